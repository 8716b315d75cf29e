-- What came of the forecasts whose day was measured: actual_bytes, and import_bytes, the part of the change in steps
-- with an import or a dropped partition. Reads parks.storage_growth (size by day and scope), ops.storage_metrics and
-- the ledger; writes parks.storage_forecast. A forecast is checked again while its day is today: it may be measured
-- again.
WITH due AS (
    SELECT made_on, scope, target_on FROM parks.storage_forecast
    WHERE target_on <= %(today)s AND (actual_bytes IS NULL OR target_on = %(today)s)
),
sizes AS (
    SELECT g.scope, g.measured_on, g.total_bytes,
           lag(g.measured_on) OVER w AS since, g.total_bytes - lag(g.total_bytes) OVER w AS bytes
    FROM parks.storage_growth AS g
    WHERE g.measured_on >= (SELECT min(made_on) FROM due)
    WINDOW w AS (PARTITION BY g.scope ORDER BY g.measured_on)
),
drops AS (
    SELECT relation, measured_on
    FROM (SELECT relation, measured_on,
                 lag(partitions) OVER (PARTITION BY relation ORDER BY measured_on) > partitions AS has_dropped
          FROM ops.storage_metrics WHERE measured_on >= (SELECT min(made_on) FROM due)) AS m
    WHERE has_dropped
),
imports AS (
    SELECT (imported_at AT TIME ZONE 'UTC')::date AS day
    FROM parks.archive_object
    WHERE status = 'IMPORTED' AND imported_at >= (SELECT min(made_on) FROM due)
    GROUP BY 1
    HAVING sum(imported) >= %(import_day_events)s
),
leaps AS (
    SELECT s.* FROM sizes AS s
    WHERE s.since IS NOT NULL AND (
        EXISTS (SELECT FROM imports AS i WHERE i.day BETWEEN s.since AND s.measured_on)
        OR EXISTS (SELECT FROM drops AS d WHERE d.measured_on = s.measured_on
                   AND (s.scope IN ('database', d.relation) OR s.scope = 'parks' AND d.relation LIKE 'parks.%%')))
)
UPDATE parks.storage_forecast AS f
SET actual_bytes = s.total_bytes,
    import_bytes = coalesce((SELECT sum(l.bytes) FROM leaps AS l
                             WHERE l.scope = f.scope AND l.measured_on > f.made_on AND l.measured_on <= f.target_on), 0)
FROM due AS d
JOIN sizes AS s ON s.scope = d.scope AND s.measured_on = d.target_on
WHERE f.made_on = d.made_on AND f.scope = d.scope AND f.target_on = d.target_on;
