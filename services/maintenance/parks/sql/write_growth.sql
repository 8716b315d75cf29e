-- One row today and scope (the database, schema parks, each table of the history) into parks.storage_growth: size,
-- growth by least squares over the last `window_days` days and over as many before, days until full. Reads
-- ops.storage_metrics, where partitions are summed, and the ledger parks.archive_object. A step between two
-- measurements counts only when no day of it saw `import_day_events` imported events or more and no table of the
-- scope lost a partition: an import or a drop is no growth. Left-out steps take their days with them. Fewer than
-- `shortest` days left: not known. Read by the API, the alerts and the forecast.
WITH measured AS (
    SELECT m.measured_on, s.scope, m.relation, m.total_bytes,
           lag(m.partitions) OVER (PARTITION BY s.scope, m.relation ORDER BY m.measured_on) > m.partitions AS has_dropped
    FROM ops.storage_metrics AS m
    CROSS JOIN LATERAL (VALUES
        ('database'),
        (CASE WHEN m.relation LIKE 'parks.%%' THEN 'parks' END),
        (CASE WHEN m.relation = ANY(%(history)s) THEN m.relation END)) AS s (scope)
    WHERE s.scope IS NOT NULL
      AND m.measured_on BETWEEN %(today)s::date - 2 * %(window_days)s AND %(today)s
),
sizes AS (
    SELECT scope, measured_on, sum(total_bytes)::bigint AS total_bytes, coalesce(bool_or(has_dropped), false) AS has_dropped
    FROM measured
    GROUP BY scope, measured_on
),
imports AS (
    SELECT (imported_at AT TIME ZONE 'UTC')::date AS day
    FROM parks.archive_object
    WHERE status = 'IMPORTED' AND imported_at >= %(today)s::date - 2 * %(window_days)s - 1
    GROUP BY 1
    HAVING sum(imported) >= %(import_day_events)s
),
steps AS (
    SELECT
        scope, measured_on, has_dropped, lag(measured_on) OVER w AS since,
        total_bytes - lag(total_bytes) OVER w AS bytes, measured_on - lag(measured_on) OVER w AS days,
        measured_on > %(today)s::date - %(window_days)s AS is_late
    FROM sizes
    WINDOW w AS (PARTITION BY scope ORDER BY measured_on)
),
points AS (
    SELECT scope, is_late, sum(days) OVER w AS x, sum(bytes) OVER w AS y
    FROM steps
    WHERE since IS NOT NULL AND NOT has_dropped
      AND NOT EXISTS (SELECT FROM imports AS i WHERE i.day BETWEEN steps.since AND steps.measured_on)
    WINDOW w AS (PARTITION BY scope, is_late ORDER BY measured_on)
    UNION ALL
    SELECT DISTINCT scope, is_late, 0, 0 FROM steps  -- where the line begins
),
fits AS (
    SELECT scope, is_late, max(x)::integer AS days,
           CASE WHEN max(x) >= %(shortest)s THEN round(regr_slope(y::double precision, x::double precision))::bigint END
               AS slope
    FROM points
    GROUP BY scope, is_late
),
today AS (
    SELECT
        s.scope, s.total_bytes, late.slope, coalesce(late.days, 0) AS days, early.slope AS early_slope,
        CASE WHEN s.scope = 'database' THEN %(capacity)s::bigint END AS capacity
    FROM sizes AS s
    LEFT JOIN fits AS late ON late.scope = s.scope AND late.is_late
    LEFT JOIN fits AS early ON early.scope = s.scope AND NOT early.is_late
    WHERE s.measured_on = %(today)s
)
INSERT INTO parks.storage_growth (
    measured_on, scope, total_bytes, bytes_per_day, days_used, earlier_bytes_per_day, capacity_bytes, days_until_full, note
)
SELECT
    %(today)s, scope, total_bytes, slope, days, early_slope, capacity,
    CASE WHEN capacity IS NULL THEN NULL
         WHEN total_bytes >= capacity THEN 0
         WHEN slope > 0 THEN least((capacity - total_bytes) / slope, 36500)::integer END,
    CASE WHEN slope IS NULL THEN format('the growth is not known: %%s days without imports, %%s are needed', days, %(shortest)s)
         WHEN slope < 0 THEN format('it shrinks, over %%s days', days)
         WHEN slope = 0 THEN format('it does not grow, over %%s days', days)
         ELSE format('the growth is fitted by least squares over %%s days', days) END
    || CASE WHEN scope = 'database' AND capacity IS NULL
            THEN '; what it may take is not known: set storage.capacity in workflows/parks.yml' ELSE '' END
FROM today
ON CONFLICT (measured_on, scope) DO UPDATE SET
    total_bytes = excluded.total_bytes, bytes_per_day = excluded.bytes_per_day, days_used = excluded.days_used,
    earlier_bytes_per_day = excluded.earlier_bytes_per_day, capacity_bytes = excluded.capacity_bytes,
    days_until_full = excluded.days_until_full, note = excluded.note;
