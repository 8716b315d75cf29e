-- Grain: a row a stretch of a piece within which nothing changes: neither the hour nor whether the park is open.
-- is_published: inside OPERATING hours. is_weighed: a wait that stands here counts in the percentiles, which is
-- inside published hours of any kind, and everywhere on a day without any.
INSERT INTO stats_cell
WITH cut AS (
    SELECT piece_id, starts_at AS at FROM stats_piece
    UNION SELECT piece_id, ends_at FROM stats_piece
    UNION SELECT piece_id, hour
          FROM stats_piece CROSS JOIN LATERAL generate_series(first_hour, ends_at, interval '1 hour') AS hour
          WHERE hour > starts_at AND hour < ends_at
    UNION SELECT piece_id, bound
          FROM stats_span JOIN stats_piece USING (piece_id)
          CROSS JOIN LATERAL (VALUES (opens_at), (closes_at)) AS bounds (bound)
          WHERE bound > starts_at AND bound < ends_at
), cell AS (
    SELECT piece_id, at AS starts_at, lead(at) OVER (PARTITION BY piece_id ORDER BY at) AS ends_at FROM cut
)
SELECT cell.piece_id, greatest(date_bin('1 hour', cell.starts_at, piece.first_hour), piece.starts_at),
       cell.starts_at, cell.ends_at,
       coalesce(bool_or(span.is_operating), false), NOT piece.has_hours OR bool_or(span.piece_id IS NOT NULL)
FROM cell
JOIN stats_piece AS piece USING (piece_id)
LEFT JOIN stats_span AS span
       ON span.piece_id = cell.piece_id AND span.opens_at <= cell.starts_at AND span.closes_at >= cell.ends_at
WHERE cell.ends_at IS NOT NULL
GROUP BY piece.piece_id, cell.piece_id, cell.starts_at, cell.ends_at;
