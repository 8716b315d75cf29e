-- One row is an observation: check_name, subject, observed, note. Reads parks.freshness and the polls of the last day.
WITH parks AS MATERIALIZED (
    SELECT coalesce(name, park_id::text) AS name, state, last_answer_at, newest_at
    FROM parks.freshness(%(now)s, %(stale_parks_minutes)s, %(frozen_parks_minutes)s)
    WHERE state <> 'not_collected'
),
polls AS (
    SELECT count(*) AS asked, count(*) FILTER (WHERE NOT is_answered) AS unanswered
    FROM parks.live_poll
    WHERE polled_at > %(now)s - interval '1 day' AND polled_at <= %(now)s
      AND destination_id IN (SELECT destination_id FROM parks.destinations)
)
SELECT 'stale_parks' AS check_name, NULL AS subject, count(*) FILTER (WHERE state = 'stale') AS observed,
       string_agg(name, ', ' ORDER BY name) FILTER (WHERE state = 'stale') AS note
FROM parks HAVING count(*) > 0
UNION ALL
SELECT 'frozen_parks', NULL, count(*) FILTER (WHERE state = 'frozen'),
       string_agg(name, ', ' ORDER BY name) FILTER (WHERE state = 'frozen')
FROM parks HAVING count(*) > 0
UNION ALL
SELECT 'failed_polls', NULL, unanswered::numeric / nullif(asked, 0), unanswered || ' of ' || asked FROM polls;
