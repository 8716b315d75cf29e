-- Reads and writes of parks_imports.py.

-- name: list
-- One row an import, newest first. held_by names its importer; IN_PROGRESS and held by nobody was cut off.
SELECT import_id, status, source, destination_id, first_date, last_date, files_total, files_done, files_failed,
       bytes_total, bytes_done, round(100.0 * bytes_done / nullif(bytes_total, 0), 1) AS percent, events, imported,
       duplicates, rejected, forced, requested_by, wanted, problem, created_at, started_at, updated_at, finished_at,
       (SELECT activity.application_name FROM pg_stat_activity AS activity
        WHERE import.status = 'IN_PROGRESS' AND activity.datname = current_database()
          AND activity.application_name LIKE 'cronhouse:parks_import:' || import.import_id || ':%%' LIMIT 1) AS held_by
FROM parks.import_checkpoints AS import
WHERE (%(import_id)s::bigint IS NULL OR import_id = %(import_id)s)
  AND (%(status)s::text IS NULL OR status = %(status)s)
  AND (%(before)s::bigint IS NULL OR import_id < %(before)s)
ORDER BY import_id DESC
LIMIT %(limit)s;

-- name: lock_starts
SELECT pg_advisory_xact_lock(hashtextextended('parks.import_checkpoints', 0));

-- name: same
SELECT import_id, status FROM parks.import_checkpoints
WHERE destination_id = %(destination_id)s AND status IN ('PENDING', 'IN_PROGRESS', 'PAUSED')
  AND (first_date, last_date) IS NOT DISTINCT FROM (%(first)s::date, %(last)s::date)
ORDER BY import_id DESC LIMIT 1;

-- name: start
INSERT INTO parks.import_checkpoints (source, destination_id, first_date, last_date, forced, requested_by)
VALUES ('', %(destination_id)s, %(first)s, %(last)s, %(force)s, %(by)s)
RETURNING import_id;

-- name: lock
SELECT status FROM parks.import_checkpoints WHERE import_id = %(import_id)s FOR NO KEY UPDATE;

-- name: move
UPDATE parks.import_checkpoints
SET status = %(status)s, wanted = NULL, updated_at = now(),
    finished_at = CASE WHEN %(status)s = 'CANCELLED' THEN now() END
WHERE import_id = %(import_id)s;

-- name: want
UPDATE parks.import_checkpoints SET wanted = %(wanted)s, updated_at = now() WHERE import_id = %(import_id)s;

-- name: issues
-- One row an oddity that this import met last, the worst and most frequent first.
SELECT issue_id, kind, severity, subject, raw_value, message, times_seen, status, first_seen_at, last_seen_at
FROM parks.data_quality_log
WHERE import_id = %(import_id)s
ORDER BY CASE severity WHEN 'critical' THEN 0 WHEN 'warning' THEN 1 ELSE 2 END, times_seen DESC, issue_id
LIMIT %(limit)s OFFSET %(offset)s;

-- name: kinds
SELECT kind, severity, count(*) AS issues, sum(times_seen) AS times_seen
FROM parks.data_quality_log WHERE import_id = %(import_id)s
GROUP BY kind, severity ORDER BY kind, severity;

-- name: files
-- What the ledger says of the files that this import did last, and which days between them have no file.
SELECT count(*) FILTER (WHERE status = 'IMPORTED') AS imported_files, count(*) FILTER (WHERE status = 'FAILED') AS failed_files,
       sum(events) AS events, sum(imported) AS imported, sum(duplicates) AS duplicates, sum(conflicts) AS conflicts,
       sum(rejected) AS rejected, min(file_date) AS first_file, max(file_date) AS last_file,
       max(file_date) - min(file_date) + 1 - count(DISTINCT file_date) AS days_without_file,
       min(first_event_at) AS first_event_at, max(last_event_at) AS last_event_at
FROM parks.archive_object WHERE import_id = %(import_id)s;

-- name: failed_files
SELECT object_key, size_bytes, problem FROM parks.archive_object
WHERE import_id = %(import_id)s AND status = 'FAILED' ORDER BY object_key LIMIT 100;
