-- Versions that end: what is described differs from them, or their entity is no longer in its destination (then no new
-- one follows). Reads given_metadata.
UPDATE parks.entity_metadata AS version
SET valid_to = %(now)s
FROM parks.rides AS ride
JOIN parks.parks AS park USING (park_id)
WHERE version.ride_id = ride.ride_id AND version.valid_to IS NULL AND park.destination_id = %(destination_id)s::uuid
  AND (ride.entity_id <> ALL (%(present)s::uuid[])
       OR EXISTS (SELECT FROM given_metadata AS given
                  WHERE given.ride_id = version.ride_id AND given.fingerprint <> version.fingerprint));
