-- One row a park and due day of one month into parks.quality_day, from day_posting and the published hours. The
-- sources are compared as step functions: a posting holds until the next of its source, LIVE no longer than 65
-- minutes (it repeats itself every hour), from the first posting of the day on. Waits agree within
-- `agreement_tolerance` minutes. Read by the checks, the API and statistics of coverage.
WITH counted AS (
    SELECT
        p.park_id, p.local_date,
        count(*) FILTER (WHERE p.data_source = 'ARCHIVE') AS archive_rows,
        count(*) FILTER (WHERE p.data_source = 'LIVE') AS live_rows,
        count(*) FILTER (WHERE p.status = 'UNKNOWN') AS unknown_rows,
        count(*) FILTER (WHERE p.status = 'OPERATING' AND p.has_standby) AS operating_rows,
        count(*) FILTER (WHERE p.status = 'OPERATING' AND p.wait_minutes IS NOT NULL) AS wait_rows,
        count(*) FILTER (WHERE p.status = 'OPERATING' AND p.wait_minutes = 0) AS zero_rows,
        count(*) FILTER (WHERE p.wait_minutes >= 480) AS extreme_rows
    FROM day_posting AS p
    GROUP BY p.park_id, p.local_date
),
hours AS MATERIALIZED (
    SELECT d.park_id, d.local_date, h.opens_at, h.closes_at, h.kind
    FROM due_day AS d
    JOIN parks.opening_hours AS h ON h.park_id = d.park_id AND h.local_date BETWEEN d.local_date - 1 AND d.local_date + 1
    WHERE d.month = %(month)s AND h.kind <> 'INFO'
),
night AS (
    SELECT p.park_id, p.local_date, count(*) AS night_rows
    FROM day_posting AS p
    WHERE p.status = 'OPERATING' AND p.wait_minutes > 0
      AND EXISTS (SELECT FROM hours AS h WHERE h.park_id = p.park_id AND h.local_date = p.local_date)
      AND NOT EXISTS (
          SELECT FROM hours AS h
          WHERE h.park_id = p.park_id AND h.local_date = p.local_date
            AND p.recorded_at >= h.opens_at - make_interval(mins => %(night_waits_slack)s)
            AND p.recorded_at < h.closes_at + make_interval(mins => %(night_waits_slack)s))
    GROUP BY p.park_id, p.local_date
),
both_sources AS (
    SELECT park_id, local_date FROM counted WHERE archive_rows > 0 AND live_rows > 0
),
steps AS (
    SELECT
        p.*,
        lead(p.recorded_at, 1, least(p.ends_at, %(now)s)) OVER w AS until,
        count(*) FILTER (WHERE p.data_source = 'ARCHIVE') OVER w AS archive_step,
        count(*) FILTER (WHERE p.data_source = 'LIVE') OVER w AS live_step
    FROM day_posting AS p
    JOIN both_sources USING (park_id, local_date)
    WINDOW w AS (PARTITION BY p.ride_id, p.local_date ORDER BY p.recorded_at, p.data_source)
),
filled AS (
    SELECT
        s.*,
        first_value(s.status) OVER a AS archive_status, first_value(s.wait_minutes) OVER a AS archive_wait,
        first_value(s.status) OVER l AS live_status, first_value(s.wait_minutes) OVER l AS live_wait,
        first_value(s.recorded_at) OVER l AS live_at
    FROM steps AS s
    WINDOW a AS (PARTITION BY s.ride_id, s.local_date, s.archive_step ORDER BY s.recorded_at, s.data_source),
           l AS (PARTITION BY s.ride_id, s.local_date, s.live_step ORDER BY s.recorded_at, s.data_source)
),
compared AS (
    SELECT
        park_id, local_date,
        greatest(extract(epoch FROM least(until, live_at + interval '65 minutes') - recorded_at), 0) / 60 AS minutes,
        archive_status = live_status AND (
            archive_wait IS NOT DISTINCT FROM live_wait OR abs(archive_wait - live_wait) <= %(agreement_tolerance)s
        ) AS is_same
    FROM filled
    WHERE archive_step > 0 AND live_step > 0
),
agreement AS (
    SELECT
        park_id, local_date, sum(minutes) AS compared_minutes,
        coalesce(sum(minutes) FILTER (WHERE is_same), 0) AS agreed_minutes
    FROM compared
    GROUP BY park_id, local_date
)
INSERT INTO parks.quality_day (
    park_id, local_date, archive_rows, live_rows, unknown_rows, operating_rows, wait_rows, zero_rows, night_rows,
    extreme_rows, compared_minutes, agreed_minutes, is_complete
)
SELECT
    d.park_id, d.local_date, coalesce(c.archive_rows, 0), coalesce(c.live_rows, 0), coalesce(c.unknown_rows, 0),
    coalesce(c.operating_rows, 0), coalesce(c.wait_rows, 0), coalesce(c.zero_rows, 0), coalesce(n.night_rows, 0),
    coalesce(c.extreme_rows, 0), coalesce(a.compared_minutes, 0), coalesce(a.agreed_minutes, 0), d.ends_at <= %(now)s
FROM due_day AS d
LEFT JOIN counted AS c USING (park_id, local_date)
LEFT JOIN night AS n USING (park_id, local_date)
LEFT JOIN agreement AS a USING (park_id, local_date)
WHERE d.month = %(month)s
ON CONFLICT (park_id, local_date) DO UPDATE SET
    archive_rows = excluded.archive_rows, live_rows = excluded.live_rows, unknown_rows = excluded.unknown_rows,
    operating_rows = excluded.operating_rows, wait_rows = excluded.wait_rows, zero_rows = excluded.zero_rows,
    night_rows = excluded.night_rows, extreme_rows = excluded.extreme_rows,
    compared_minutes = excluded.compared_minutes, agreed_minutes = excluded.agreed_minutes,
    is_complete = excluded.is_complete, checked_at = now();
