-- An issue for every park that is stale or frozen now, one a park while it lasts. Reads parks.freshness.
SELECT parks.log_issue(
    upper(f.state), 'warning', f.park_id::text, '',
    format('%%s: last answer %%s, newest posting %%s (UTC)', coalesce(f.name, f.park_id::text),
           coalesce(to_char(f.last_answer_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI'), 'never'),
           coalesce(to_char(f.newest_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI'), 'none')),
    f.park_id)
FROM parks.freshness(%(now)s, %(stale_parks_minutes)s, %(frozen_parks_minutes)s) AS f
WHERE f.state IN ('stale', 'frozen');
