-- Small statements of the archive import.

-- name: lock_object
-- The object if it is still as its importer found it; whoever else imports it waits here.
SELECT object_id FROM parks.archive_object
WHERE object_id = %(object_id)s
  AND (status, imported_etag, import_id) IS NOT DISTINCT FROM (%(status)s, %(imported_etag)s, %(before)s)
FOR UPDATE;

-- name: known_rides
SELECT entity_id::text, ride_id FROM parks.rides WHERE entity_id = ANY(%(entities)s::uuid[]);

-- name: register_rides
SELECT entity_id::text, ride_id FROM parks.register_rides(%(entities)s);

-- name: ensure_partitions
SELECT parks.ensure_snapshot_partitions(%(first)s, %(last)s);

-- name: settle_object
UPDATE parks.archive_object
SET status = 'IMPORTED', etag = COALESCE(%(etag)s, etag), imported_etag = COALESCE(%(etag)s, etag), size_bytes = %(size)s,
    import_id = %(import_id)s, format = %(format)s, events = %(events)s, imported = %(imported)s,
    duplicates = %(duplicates)s, conflicts = %(conflicts)s, rejected = %(rejected)s,
    first_event_at = timestamptz 'epoch' + %(first)s * interval '1 millisecond',
    last_event_at = timestamptz 'epoch' + %(last)s * interval '1 millisecond', problem = NULL, imported_at = now()
WHERE object_id = %(object_id)s;

-- name: settle_checkpoint
UPDATE parks.import_checkpoints
SET files_done = files_done + 1, bytes_done = bytes_done + %(listed_size)s, events = events + %(events)s,
    imported = imported + %(imported)s, duplicates = duplicates + %(duplicates)s, rejected = rejected + %(rejected)s,
    updated_at = now()
WHERE import_id = %(import_id)s;

-- name: fail_object
UPDATE parks.archive_object
SET status = 'FAILED', import_id = %(import_id)s, problem = %(problem)s
WHERE object_id = %(object_id)s;

-- name: fail_checkpoint
UPDATE parks.import_checkpoints
SET files_done = files_done + 1, files_failed = files_failed + 1, bytes_done = bytes_done + %(listed_size)s,
    updated_at = now()
WHERE import_id = %(import_id)s;

-- name: is_known
-- Whether the history has anything of the stretches of time in which the object has rows.
SELECT EXISTS (
    SELECT FROM unnest(%(rides)s::integer[], %(firsts)s::bigint[], %(lasts)s::bigint[]) AS given (ride_id, first, last)
    CROSS JOIN LATERAL (
        SELECT FROM parks.ride_status_snapshots AS known
        WHERE known.ride_id = given.ride_id AND known.data_source = 'ARCHIVE'
          AND known.recorded_at BETWEEN timestamptz 'epoch' + given.first * interval '1 millisecond'
                                    AND timestamptz 'epoch' + given.last * interval '1 millisecond'
          AND known.recorded_at BETWEEN timestamptz 'epoch' + %(first)s * interval '1 millisecond'
                                    AND timestamptz 'epoch' + %(last)s * interval '1 millisecond'
        LIMIT 1) AS one);
