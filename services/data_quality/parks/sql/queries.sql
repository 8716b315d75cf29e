-- name: mark
-- The last object that was looked at.
SELECT last_updated_at, last_transaction_id FROM ops.pipeline_metadata WHERE pipeline = 'parks' AND source = 'quality';

-- name: next_mark
SELECT imported_at, object_id
FROM (SELECT imported_at, object_id FROM parks.archive_object
      WHERE status = 'IMPORTED' AND (imported_at, object_id) > (%(marked_at)s, %(marked_id)s) AND imported_at <= %(until)s
      ORDER BY imported_at, object_id LIMIT %(objects)s) AS taken
ORDER BY imported_at DESC, object_id DESC LIMIT 1;

-- name: settling
-- How many objects are too new to be looked at.
SELECT count(*) FROM parks.archive_object WHERE status = 'IMPORTED' AND imported_at > %(until)s;

-- name: write_mark
INSERT INTO ops.pipeline_metadata (pipeline, source, last_updated_at, last_transaction_id, run_id)
VALUES ('parks', 'quality', %(marked_at)s, %(marked_id)s, %(run_id)s)
ON CONFLICT (pipeline, source) DO UPDATE SET
    last_updated_at = excluded.last_updated_at, last_transaction_id = excluded.last_transaction_id,
    run_id = excluded.run_id, written_at = now();

-- name: months
SELECT month, min(starts_at) AS first, max(ends_at) AS last, count(*) AS days FROM due_day GROUP BY month ORDER BY month;
