-- One row is an observation: check_name, subject (a park), observed, note. One scan of parks.quality_day for the due
-- days; agreement needs `agreement_min_minutes` minutes to judge by. Gaps say whose they are.
WITH causes AS (
    SELECT park_id, string_agg(format('%%s of them %%s', to_char(round(minutes), 'FM999,999,990'), replace(cause, '_', ' ')),
                               ', ' ORDER BY minutes DESC, cause) AS said
    FROM (SELECT g.park_id, g.cause, sum(extract(epoch FROM g.gap_to - g.gap_from)) / 60 AS minutes
          FROM due_day AS d JOIN parks.gap AS g USING (park_id, local_date)
          WHERE g.cause <> 'closed' GROUP BY g.park_id, g.cause) AS summed
    GROUP BY park_id
),
days AS (
    SELECT
        p.park_id, coalesce(p.name, p.park_id::text) AS park, count(*) AS days,
        sum(q.archive_rows + q.live_rows) AS rows, sum(q.unknown_rows) AS unknown_rows,
        sum(q.operating_rows) AS operating_rows, sum(q.wait_rows) AS wait_rows, sum(q.night_rows) AS night_rows,
        sum(q.extreme_rows) AS extreme_rows, sum(q.compared_minutes) AS compared, sum(q.agreed_minutes) AS agreed,
        sum(q.gap_minutes) AS gap_minutes,
        count(*) FILTER (WHERE q.is_complete AND q.wait_rows >= %(zero_days_min_waits)s AND q.zero_rows = q.wait_rows)
            AS zero_days
    FROM due_day AS d
    JOIN parks.quality_day AS q USING (park_id, local_date)
    JOIN parks.parks AS p USING (park_id)
    GROUP BY p.park_id
)
SELECT o.check_name, d.park AS subject, o.observed,
       concat_ws(': ', d.days || ' days', CASE WHEN o.check_name = 'gaps' THEN c.said END) AS note
FROM days AS d
LEFT JOIN causes AS c USING (park_id)
CROSS JOIN LATERAL (VALUES
    ('gaps', d.gap_minutes),
    ('agreement', CASE WHEN d.compared >= %(agreement_min_minutes)s THEN d.agreed / d.compared END),
    ('known_status', 1 - d.unknown_rows / nullif(d.rows, 0)),
    ('known_waits', least(d.wait_rows, d.operating_rows) / nullif(d.operating_rows, 0)),
    ('zero_days', d.zero_days::numeric),
    ('night_waits', d.night_rows / nullif(d.wait_rows, 0)),
    ('extreme_waits', d.extreme_rows)
) AS o (check_name, observed);
