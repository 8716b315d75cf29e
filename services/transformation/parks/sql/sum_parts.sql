-- Grain: a row a ride, hour and wait (null is a wait too): how many snapshots posted it and for how many
-- milliseconds it stood: weighed for the percentiles, and inside the published hours by status.
-- Everything that follows is made of these.
INSERT INTO stats_part
SELECT piece.park_id, piece.local_date, stand.ride_id, cell.hour_start, stand.wait_minutes,
       count(*) FILTER (WHERE stand.is_posted AND stand.starts_at >= cell.starts_at),
       (extract(epoch FROM coalesce(sum(stood) FILTER (WHERE cell.is_weighed), '0')) * 1000)::bigint,
       (extract(epoch FROM coalesce(sum(stood) FILTER (
           WHERE cell.is_published AND stand.status = 'OPERATING'), '0')) * 1000)::bigint,
       (extract(epoch FROM coalesce(sum(stood) FILTER (
           WHERE cell.is_published AND stand.status = 'DOWN'), '0')) * 1000)::bigint,
       (extract(epoch FROM coalesce(sum(stood) FILTER (
           WHERE cell.is_published AND stand.status <> 'UNKNOWN'), '0')) * 1000)::bigint
FROM stats_stand AS stand
JOIN stats_piece AS piece USING (piece_id)
CROSS JOIN LATERAL generate_series(
    date_bin('1 hour', stand.starts_at, piece.first_hour), stand.ends_at - interval '1 microsecond', interval '1 hour'
) AS hour (hour_start)
JOIN stats_cell AS cell
  ON cell.piece_id = stand.piece_id AND cell.hour_start = greatest(hour.hour_start, piece.starts_at)
 AND cell.starts_at < stand.ends_at AND cell.ends_at > stand.starts_at
CROSS JOIN LATERAL (
    SELECT least(stand.ends_at, cell.ends_at) - greatest(stand.starts_at, cell.starts_at) AS stood
) AS overlap
GROUP BY piece.park_id, piece.local_date, stand.ride_id, cell.hour_start, stand.wait_minutes;
