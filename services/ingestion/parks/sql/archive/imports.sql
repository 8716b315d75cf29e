-- Imports of the archive: their checkpoints and the ledger of objects.

-- name: create
INSERT INTO parks.import_checkpoints (source, destination_id, first_date, last_date, forced, requested_by)
VALUES (%(source)s, %(destination_id)s, %(first)s, %(last)s, %(forced)s, %(by)s)
RETURNING *;

-- name: find
SELECT * FROM parks.import_checkpoints WHERE import_id = %(import_id)s;

-- name: find_open
-- The import of the same source, destination and range that is not over; the range is part of what an import is.
SELECT * FROM parks.import_checkpoints
WHERE source IN (%(source)s, '') AND destination_id = %(destination_id)s
  AND (first_date, last_date) IS NOT DISTINCT FROM (%(first)s::date, %(last)s::date)
  AND status IN ('PENDING', 'IN_PROGRESS', 'PAUSED')
ORDER BY import_id DESC LIMIT 1;

-- name: lock_new
-- Two that begin the same import at once: the second finds the first's.
SELECT pg_advisory_xact_lock(hashtextextended('parks.import_checkpoints', 0));

-- name: list
-- Newest first, with who is at work on it: an import that is IN_PROGRESS without anybody was cut off.
SELECT import.*, worker.application_name AS held_by,
       round(100.0 * bytes_done / nullif(bytes_total, 0), 1) AS percent
FROM parks.import_checkpoints AS import
LEFT JOIN LATERAL (
    SELECT activity.application_name
    FROM pg_locks AS held
    JOIN pg_stat_activity AS activity USING (pid)
    WHERE held.locktype = 'advisory' AND held.granted AND import.status = 'IN_PROGRESS'
      AND held.database = (SELECT oid FROM pg_database WHERE datname = current_database())
      AND activity.application_name LIKE 'cronhouse:parks_import:' || import.import_id || ':%%'
    LIMIT 1
) AS worker ON true
WHERE (%(import_id)s::bigint IS NULL OR import_id = %(import_id)s)
  AND (%(status)s::text IS NULL OR status = %(status)s)
  AND (%(before)s::bigint IS NULL OR import_id < %(before)s)
ORDER BY import_id DESC
LIMIT %(limit)s;

-- name: move
-- From one state to another, if it is still in one that this may follow.
UPDATE parks.import_checkpoints
SET status = %(status)s, problem = %(problem)s, updated_at = now(),
    source = COALESCE(NULLIF(source, ''), %(source)s, ''),
    wanted = CASE WHEN %(status)s = 'IN_PROGRESS' THEN wanted END,
    started_at = CASE WHEN %(status)s = 'IN_PROGRESS' THEN COALESCE(started_at, now()) ELSE started_at END,
    finished_at = CASE WHEN %(status)s IN ('COMPLETED', 'FAILED', 'CANCELLED') THEN now() END
WHERE import_id = %(import_id)s AND status = ANY(%(before)s)
RETURNING *;

-- name: want
UPDATE parks.import_checkpoints SET wanted = %(wanted)s, updated_at = now()
WHERE import_id = %(import_id)s AND status = 'IN_PROGRESS'
RETURNING *;

-- name: wanted
-- The status too: whoever saw nobody at work on an import that was cut off changes that, and wants nothing.
SELECT status, wanted FROM parks.import_checkpoints WHERE import_id = %(import_id)s;

-- name: unwant
-- Somebody resumes it by hand: what was wished of the importer that was cut off does not hold any more.
UPDATE parks.import_checkpoints SET wanted = NULL WHERE import_id = %(import_id)s;

-- name: set_totals
-- What was done before and what is to be done.
UPDATE parks.import_checkpoints
SET files_total = files_done + %(files)s, bytes_total = bytes_done + %(bytes)s, updated_at = now()
WHERE import_id = %(import_id)s
RETURNING *;

-- name: to_do
-- Imports that wait, or were cut off: whether somebody is at work tells the lock of the destination. One of another
-- source that was never started and is younger than a minute is being begun at a command line this moment.
SELECT * FROM parks.import_checkpoints
WHERE status IN ('PENDING', 'IN_PROGRESS')
  AND (source IN (%(source)s, '') OR started_at IS NOT NULL OR created_at < now() - interval '1 minute')
ORDER BY import_id;

-- name: resumable
-- Of every source: whoever resumes all of one is told of the others.
SELECT import_id, destination_id, source FROM parks.import_checkpoints
WHERE status IN ('PENDING', 'IN_PROGRESS', 'PAUSED', 'FAILED')
  AND (%(destinations)s::text[] IS NULL OR destination_id::text = ANY(%(destinations)s))
  -- a failed one that was started anew since is over
  AND NOT (status = 'FAILED' AND EXISTS (
      SELECT FROM parks.import_checkpoints AS later
      WHERE later.source = import_checkpoints.source AND later.destination_id = import_checkpoints.destination_id
        AND (later.first_date, later.last_date)
            IS NOT DISTINCT FROM (import_checkpoints.first_date, import_checkpoints.last_date)
        AND later.import_id > import_checkpoints.import_id))
ORDER BY import_id;

-- name: lock_destination
SELECT pg_try_advisory_lock(hashtextextended('parks.import:' || %(destination_id)s, 0));

-- name: unlock_destination
SELECT pg_advisory_unlock(hashtextextended('parks.import:' || %(destination_id)s, 0));

-- name: who_holds
SELECT activity.application_name, activity.pid, activity.backend_start
FROM pg_locks AS held
JOIN pg_stat_activity AS activity USING (pid)
CROSS JOIN (SELECT hashtextextended('parks.import:' || %(destination_id)s, 0) AS key) AS wanted
WHERE held.locktype = 'advisory' AND held.granted AND held.objsubid = 1
  AND held.database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND held.classid::bigint = (wanted.key >> 32) & 4294967295 AND held.objid::bigint = wanted.key & 4294967295
LIMIT 1;

-- name: list_objects
-- Into the ledger, in the order of their keys: the number of an object decides where two differ.
INSERT INTO parks.archive_object AS known (source, object_key, destination_id, file_date, size_bytes, etag)
VALUES %s
ON CONFLICT (source, object_key) DO UPDATE SET size_bytes = excluded.size_bytes, etag = excluded.etag
WHERE (known.size_bytes, known.etag) IS DISTINCT FROM (excluded.size_bytes, excluded.etag);

-- name: known_objects
SELECT object_key, size_bytes, etag FROM parks.archive_object
WHERE source = %(source)s AND object_key = ANY(%(keys)s);

-- name: has_objects
SELECT EXISTS (SELECT FROM parks.archive_object WHERE source = %(source)s AND destination_id = %(destination_id)s);

-- name: known_odd_keys
SELECT subject FROM parks.data_quality_log WHERE kind = 'ODD_KEY' AND subject = ANY(%(keys)s);

-- name: open_objects
-- Objects to import, oldest date first: new ones, changed ones, those that failed before this import, and forced all.
SELECT object_id, object_key, destination_id::text, size_bytes, status, imported_etag, import_id
FROM parks.archive_object
WHERE source = %(source)s AND destination_id = %(destination_id)s
  AND (%(first)s::date IS NULL OR file_date >= %(first)s) AND (%(last)s::date IS NULL OR file_date <= %(last)s)
  AND (status = 'LISTED'
       OR (status = 'FAILED' AND import_id IS DISTINCT FROM %(import_id)s)
       OR (status = 'IMPORTED' AND etag IS DISTINCT FROM imported_etag)
       OR (%(forced)s AND import_id IS DISTINCT FROM %(import_id)s))
ORDER BY file_date, object_key;
