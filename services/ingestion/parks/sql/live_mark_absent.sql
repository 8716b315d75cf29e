-- Entities of the destination that the answer does not name: absent is a state of its own, not CLOSED, and no
-- snapshot. Reads live_entry; read by the live board and the freshness check.
UPDATE parks.live_state AS state
SET is_present = false, last_polled_at = %(polled_at)s
FROM parks.rides AS ride
JOIN parks.parks AS park USING (park_id)
WHERE ride.ride_id = state.ride_id AND park.destination_id = %(destination_id)s::uuid
  AND NOT EXISTS (SELECT FROM live_entry AS entry WHERE entry.ride_id = state.ride_id);
