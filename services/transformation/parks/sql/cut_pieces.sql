-- Grain: a row a stretch of time of a day of the batch: 23, 24 or 25 hours, or parts where the park's zone changed.
-- first_hour is the full local hour at or before its start: the raster of the hours.
INSERT INTO stats_piece
SELECT row_number() OVER (ORDER BY day.park_id, day.local_date, piece.starts_at),
       day.park_id, day.local_date, piece.timezone, piece.starts_at, piece.ends_at,
       piece.starts_at - ((piece.starts_at AT TIME ZONE piece.timezone)
                          - date_trunc('hour', piece.starts_at AT TIME ZONE piece.timezone)),
       NULL,
       EXISTS (SELECT FROM parks.opening_hours AS hours
               WHERE hours.park_id = day.park_id AND hours.local_date = day.local_date AND hours.kind <> 'INFO')
FROM stats_day AS day
CROSS JOIN LATERAL parks.day_pieces(day.park_id, day.local_date) AS piece;
