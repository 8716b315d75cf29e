-- Grain: a row a piece, kind and stretch of published hours; stretches that touch or overlap are one.
-- is_operating: OPERATING alone, what minutes are counted in; else all kinds but INFO, what a wait is weighed in.
-- Those of the day before are there too: postings look back for 24 hours.
INSERT INTO stats_span
SELECT merged.piece_id, merged.is_operating, lower(span), upper(span)
FROM (
    SELECT piece.piece_id, hours.kind = 'OPERATING' AND wanted.is_operating AS is_operating,
           range_agg(tstzrange(hours.opens_at, hours.closes_at)) AS spans
    FROM stats_piece AS piece
    JOIN parks.opening_hours AS hours
      ON hours.park_id = piece.park_id
     AND hours.local_date BETWEEN piece.local_date - 2 AND piece.local_date + 1
     AND hours.opens_at < piece.ends_at AND hours.closes_at > piece.starts_at - interval '24 hours'
    CROSS JOIN (VALUES (true), (false)) AS wanted (is_operating)
    WHERE hours.kind = 'OPERATING' OR (hours.kind <> 'INFO' AND NOT wanted.is_operating)
    GROUP BY 1, 2
) AS merged
CROSS JOIN LATERAL unnest(merged.spans) AS span;
