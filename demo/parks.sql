-- name: counts
SELECT COALESCE(sum(events), 0)::bigint AS events FROM parks.archive_object;

-- name: is_replayed
SELECT EXISTS (SELECT FROM parks.live_cycle WHERE started_at = %(first)s);

-- name: ledger
-- Events of the archive, and what the live API sent.
SELECT 'archive' AS source, count(*) AS "files or polls", sum(events) AS events, sum(imported) AS imported,
       sum(duplicates) AS duplicates, sum(rejected) AS rejected,
       sum(events) = sum(imported + duplicates + rejected) AS nothing_lost
FROM parks.archive_object
UNION ALL
SELECT 'live', count(*), sum(entities), sum(changed), sum(entities) - sum(changed), 0, NULL
FROM parks.live_cycle;

-- name: busiest
SELECT r.name AS ride, s.local_date AS day, s.samples, s.mean_wait::numeric(5, 1) AS "mean wait",
       s.p90_wait::numeric(5, 1) AS "p90, by the minute", s.max_wait AS longest, s.down_minutes::integer AS "minutes down"
FROM parks.ride_daily_stats AS s
JOIN parks.rides AS r USING (ride_id)
WHERE s.data_source = 'ARCHIVE'
ORDER BY s.mean_wait DESC NULLS LAST
LIMIT 3;

-- name: board
SELECT r.name AS ride, p.name AS park, s.status, s.wait_minutes AS "wait, minutes"
FROM parks.live_state AS s
JOIN parks.rides AS r USING (ride_id)
JOIN parks.parks AS p USING (park_id)
WHERE s.is_present
ORDER BY s.wait_minutes DESC NULLS LAST, r.name
LIMIT 3;
