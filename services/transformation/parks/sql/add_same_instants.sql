-- Grain: a row a ride, hour and wait that was posted in the same instant as another one of the same ride and file.
-- It stood for no time, but it was posted: it counts in samples, minimum, mean and maximum.
INSERT INTO stats_part
SELECT piece.park_id, piece.local_date, posting.ride_id,
       greatest(date_bin('1 hour', posting.recorded_at, piece.first_hour), piece.starts_at),
       posting.wait_minutes, count(*), 0, 0, 0, 0
FROM stats_piece AS piece
JOIN parks.rides AS ride ON ride.park_id = piece.park_id
JOIN parks.same_instant_postings AS posting
  ON posting.ride_id = ride.ride_id AND posting.data_source = piece.data_source
 AND posting.recorded_at >= piece.starts_at AND posting.recorded_at < piece.ends_at
WHERE NOT EXISTS (
    SELECT FROM parks.ride_status_snapshots AS winner
    WHERE winner.ride_id = posting.ride_id AND winner.recorded_at = posting.recorded_at
      AND winner.data_source = posting.data_source AND winner.status = posting.status
      AND winner.wait_minutes IS NOT DISTINCT FROM posting.wait_minutes
)
GROUP BY piece.park_id, piece.local_date, posting.ride_id, 4, posting.wait_minutes;
