-- One source a park and local day: the preferred one where it has a snapshot that day, else the other, else none.
-- Two together would count one posted wait twice.
WITH found AS (
    SELECT day.park_id, day.local_date,
           EXISTS (
               SELECT FROM stats_piece AS piece
               JOIN parks.rides AS ride ON ride.park_id = piece.park_id
               CROSS JOIN LATERAL (
                   SELECT 1 FROM parks.ride_status_snapshots AS snapshot
                   WHERE snapshot.ride_id = ride.ride_id AND snapshot.data_source = source.name
                     AND snapshot.recorded_at >= piece.starts_at AND snapshot.recorded_at < piece.ends_at
                   LIMIT 1
               ) AS any_of_them
               WHERE piece.park_id = day.park_id AND piece.local_date = day.local_date
           ) AS is_there,
           source.name
    FROM stats_day AS day
    CROSS JOIN (SELECT unnest(enum_range(NULL::parks.data_source)) AS name) AS source
), chosen AS (
    SELECT DISTINCT ON (park_id, local_date) park_id, local_date, name
    FROM found
    WHERE is_there
    ORDER BY park_id, local_date, name = %(prefer)s::parks.data_source DESC
)
UPDATE stats_piece AS piece
SET data_source = chosen.name
FROM chosen
WHERE chosen.park_id = piece.park_id AND chosen.local_date = piece.local_date;
