-- Reads and writes of admin_quality.py.

-- name: score
SELECT logical_date, run_id, score, checks, failed, critical, scored_at
FROM ops.quality_score WHERE workflow = 'parks' ORDER BY run_id DESC LIMIT 1;

-- name: failed
-- The failed checks of the newest run.
SELECT check_name, severity, observed, expected, message
FROM ops.quality_result
WHERE run_id = (SELECT max(run_id) FROM ops.quality_score WHERE workflow = 'parks') AND NOT passed
ORDER BY result_id;

-- name: issue_counts
SELECT kind, severity, count(*) FILTER (WHERE status = 'open') AS open,
       count(*) FILTER (WHERE status = 'acknowledged') AS acknowledged, sum(times_seen) AS times_seen,
       max(last_seen_at) AS last_seen_at
FROM parks.data_quality_log
WHERE status IN ('open', 'acknowledged')
GROUP BY kind, severity
ORDER BY kind, severity;

-- name: freshness_counts
SELECT state, count(*) AS parks FROM parks.freshness(%(now)s, %(stale)s, %(frozen)s) GROUP BY state ORDER BY state;

-- name: freshness
SELECT park_id::text AS park_id, name, state, is_open, last_polled_at, last_answer_at, newest_at,
       round(extract(epoch FROM %(now)s - last_answer_at) / 60, 1) AS minutes_since_answer
FROM parks.freshness(%(now)s, %(stale)s, %(frozen)s)
WHERE %(state)s::text IS NULL OR state = %(state)s
ORDER BY state = 'stale' DESC, state = 'frozen' DESC, name, park_id;

-- name: chosen_gaps
-- One row a gap, however many days it lasted; `minutes` are those of its opening hours, or of whole days where none are
-- published.
SELECT park_id, gap_from, gap_to, cause, days, minutes
FROM parks.gap_spans
WHERE (%(park_id)s::uuid IS NULL OR park_id = %(park_id)s::uuid)
  AND (%(cause)s::text IS NULL OR cause = %(cause)s)
  AND (%(from)s::date IS NULL OR gap_to >= %(from)s::date::timestamp AT TIME ZONE 'UTC')
  AND (%(to)s::date IS NULL OR gap_from < (%(to)s::date + 1)::timestamp AT TIME ZONE 'UTC')

-- name: gaps
SELECT g.park_id::text AS park_id, p.name AS park, g.gap_from, g.gap_to, g.cause, g.days, g.minutes
FROM ({chosen}) AS g
LEFT JOIN parks.parks AS p USING (park_id)
ORDER BY g.gap_from DESC, g.park_id
LIMIT %(limit)s OFFSET %(offset)s;

-- name: gap_totals
-- A row a cause, also those without a gap: whose it is, ours first, and how much of it there is in whole gaps.
SELECT c.cause, c.whose, count(g.park_id) AS gaps, coalesce(sum(g.days), 0) AS park_days,
       coalesce(sum(g.minutes), 0) AS minutes
FROM (VALUES (1, 'not_polled', 'ours'), (2, 'no_answer', 'ours'), (3, 'source_silent', 'source'),
             (4, 'no_object', 'archive'), (5, 'closed', 'schedule')) AS c (place, cause, whose)
LEFT JOIN ({chosen}) AS g USING (cause)
GROUP BY c.place, c.cause, c.whose
ORDER BY c.place;

-- name: issues
SELECT issue_id, kind, severity, subject, raw_value, park_id::text AS park_id, ride_id, import_id, gap_from, gap_to,
       message, times_seen, first_seen_at, last_seen_at, status, owner, notes, resolved_at
FROM parks.data_quality_log
WHERE (%(kind)s::text IS NULL OR kind = %(kind)s)
  AND (%(status)s::text IS NULL OR status = %(status)s)
  AND (%(severity)s::text IS NULL OR severity = %(severity)s)
  AND (%(park_id)s::uuid IS NULL OR park_id = %(park_id)s::uuid)
  AND (%(owner)s::text IS NULL OR owner = %(owner)s)
ORDER BY issue_id DESC
LIMIT %(limit)s OFFSET %(offset)s;

-- name: history_coverage
-- One row a park: known shares of what was posted on the local days, and covered minutes of published hours.
WITH days AS (
    SELECT park_id, count(*) AS days, sum(archive_rows + live_rows) AS snapshots, sum(unknown_rows) AS unknown_rows,
           sum(operating_rows) AS operating_rows, sum(wait_rows) AS wait_rows, sum(gap_minutes) AS gap_minutes,
           sum(compared_minutes) AS compared_minutes, sum(agreed_minutes) AS agreed_minutes
    FROM parks.quality_day
    WHERE local_date BETWEEN %(from)s AND %(to)s AND (%(park_id)s::uuid IS NULL OR park_id = %(park_id)s::uuid)
    GROUP BY park_id
),
hours AS (
    SELECT park_id, sum(open_minutes) AS open_minutes, sum(covered_share * open_minutes) AS covered_minutes
    FROM parks.park_daily_stats
    WHERE local_date BETWEEN %(from)s AND %(to)s AND (%(park_id)s::uuid IS NULL OR park_id = %(park_id)s::uuid)
    GROUP BY park_id
)
SELECT p.park_id::text AS park_id, p.name AS park, d.days, d.snapshots,
       round(1 - d.unknown_rows / nullif(d.snapshots, 0), 4) AS status_known,
       round(least(d.wait_rows, d.operating_rows) / nullif(d.operating_rows, 0), 4) AS wait_known,
       h.open_minutes, round(h.covered_minutes / nullif(h.open_minutes, 0), 4) AS hours_covered, d.gap_minutes,
       d.compared_minutes, round(d.agreed_minutes / nullif(d.compared_minutes, 0), 4) AS sources_agree
FROM parks.parks AS p
LEFT JOIN days AS d USING (park_id)
LEFT JOIN hours AS h USING (park_id)
WHERE d.park_id IS NOT NULL OR h.park_id IS NOT NULL
ORDER BY p.name, p.park_id;

-- name: metadata_coverage
-- One row a park and field of its attractions' metadata of today.
WITH counted AS (
    SELECT p.park_id, p.name AS park, count(*) AS attractions, count(m.latitude) AS coordinates,
           count(nullif(m.attraction_type, 'UNKNOWN')) AS attraction_type, count(m.is_indoor) AS is_indoor,
           count(m.min_height_cm) AS min_height_cm, count(nullif(m.tags, '[]')) AS tags, count(r.internal_id) AS internal_id
    FROM parks.rides AS r
    JOIN parks.parks AS p USING (park_id)
    LEFT JOIN parks.entity_metadata AS m ON m.ride_id = r.ride_id AND m.valid_to IS NULL
    WHERE r.entity_type = 'ATTRACTION' AND (%(park_id)s::uuid IS NULL OR p.park_id = %(park_id)s::uuid)
    GROUP BY p.park_id
)
SELECT c.park_id::text AS park_id, c.park, f.field, f.known, c.attractions AS of, round(f.known::numeric / c.attractions, 4) AS share
FROM counted AS c
CROSS JOIN LATERAL (VALUES
    ('coordinates', coordinates), ('attraction_type', attraction_type), ('is_indoor', is_indoor),
    ('min_height_cm', min_height_cm), ('tags', tags), ('internal_id', internal_id)) AS f (field, known)
ORDER BY c.park, c.park_id, f.field;

-- name: lock_issue
SELECT issue_id, status, owner, notes FROM parks.data_quality_log WHERE issue_id = %(issue_id)s FOR UPDATE;

-- name: change_issue
UPDATE parks.data_quality_log
SET status = %(status)s, owner = %(owner)s, notes = %(notes)s,
    resolved_at = CASE WHEN %(status)s = 'resolved' THEN coalesce(resolved_at, now()) END
WHERE issue_id = %(issue_id)s
RETURNING issue_id, kind, severity, subject, message, times_seen, status, owner, notes, resolved_at;
