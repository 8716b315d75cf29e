-- An issue for every suspect day that was over when it was looked at; waits at night, which where they stand stand
-- every night, are one issue a park and month, seen as often as it has such days. Reads parks.quality_day for the due
-- days and day_posting for single rides; a day looked at again is not counted again.
WITH days AS (
    SELECT q.*, coalesce(p.name, p.park_id::text) AS park
    FROM due_day AS d
    JOIN parks.quality_day AS q USING (park_id, local_date)
    JOIN parks.parks AS p USING (park_id)
    WHERE d.month = %(month)s AND q.is_complete
),
rides AS (
    -- a ride that ran all day with 0 while others of its park had waits
    SELECT p.park_id, p.local_date, p.ride_id, count(*) AS waits
    FROM day_posting AS p
    JOIN days AS q USING (park_id, local_date)
    WHERE q.zero_rows < q.wait_rows AND p.status = 'OPERATING' AND p.wait_minutes IS NOT NULL
    GROUP BY p.park_id, p.local_date, p.ride_id
    HAVING max(p.wait_minutes) = 0 AND count(*) >= %(zero_days_min_waits)s
),
nights AS (
    SELECT m.park_id, m.park, to_char(m.first_day, 'YYYY-MM') AS month, sum(q.night_rows) AS waits, count(*) AS days,
           max(q.local_date) AS last_date
    FROM (SELECT DISTINCT park_id, park, date_trunc('month', local_date::timestamp)::date AS first_day FROM days) AS m
    JOIN parks.quality_day AS q
        ON q.park_id = m.park_id AND q.local_date >= m.first_day AND q.local_date < m.first_day + interval '1 month'
    WHERE q.is_complete AND q.night_rows > 0
    GROUP BY m.park_id, m.park, m.first_day
),
found AS (
    SELECT 'SUSPECT_ZERO' AS kind, 'warning' AS severity, park_id || ' ' || local_date AS subject, 'park' AS raw_value,
           format('%%s posted nothing but 0 on %%s: %%s waits', park, local_date, wait_rows) AS message,
           park_id, NULL::integer AS ride_id, 1 AS days
    FROM days WHERE wait_rows >= %(zero_days_min_waits)s AND zero_rows = wait_rows
    UNION ALL
    SELECT 'SUSPECT_ZERO', 'info', r.entity_id::text, 'ride',
           format('%%s operated with nothing but 0 on %%s: %%s waits', coalesce(r.name, r.entity_id::text),
                  max(z.local_date), (array_agg(z.waits ORDER BY z.local_date DESC))[1]),
           r.park_id, r.ride_id, 1
    FROM rides AS z JOIN parks.rides AS r USING (ride_id)
    GROUP BY r.ride_id
    UNION ALL
    SELECT 'NIGHT_WAITS', 'warning', park_id || ' ' || month, '',
           format('%%s posted %%s waits outside its hours on %%s of %%s, the last on %%s', park, waits,
                  CASE WHEN days = 1 THEN 'one day' ELSE days || ' days' END, month, last_date), park_id, NULL, days
    FROM nights
)
SELECT parks.log_issue(f.kind, f.severity, f.subject, f.raw_value, f.message, f.park_id, f.ride_id,
                       seen => CASE WHEN f.kind = 'NIGHT_WAITS' THEN greatest(f.days - coalesce(l.times_seen, 0), 0)
                                    ELSE 1 END)
FROM found AS f
LEFT JOIN parks.data_quality_log AS l
    ON l.kind = f.kind AND l.subject = f.subject AND l.raw_value = f.raw_value
WHERE l.message IS DISTINCT FROM f.message;
