-- name: read_watermark
SELECT last_processed_date AS processed_date, last_transaction_id AS transaction_id, last_updated_at AS updated_at
FROM ops.pipeline_metadata
WHERE pipeline = %(pipeline)s AND source = %(source)s;

-- name: write_watermark
INSERT INTO ops.pipeline_metadata AS old
    (pipeline, source, last_processed_date, last_transaction_id, last_updated_at, run_id)
VALUES (%(pipeline)s, %(source)s, %(processed_date)s, %(transaction_id)s, %(updated_at)s, %(run_id)s)
ON CONFLICT (pipeline, source) DO UPDATE SET
    last_processed_date = GREATEST(old.last_processed_date, EXCLUDED.last_processed_date),
    last_transaction_id = CASE WHEN EXCLUDED.last_updated_at >= COALESCE(old.last_updated_at, '-infinity')
                               THEN EXCLUDED.last_transaction_id ELSE old.last_transaction_id END,
    last_updated_at = GREATEST(old.last_updated_at, EXCLUDED.last_updated_at),
    run_id = EXCLUDED.run_id,
    written_at = now();

-- name: write_dead_letters
INSERT INTO ops.dead_letter AS old
    (pipeline, job, source, logical_date, position, payload, payload_bytes, reason, field, rows, fingerprint, run_id)
VALUES %s
ON CONFLICT (pipeline, source, fingerprint) DO UPDATE SET
    run_id = EXCLUDED.run_id, reason = EXCLUDED.reason, field = EXCLUDED.field, position = EXCLUDED.position;

-- name: register_objects
INSERT INTO ops.loaded_object
    (object_key, dataset, source, logical_date, etag, size_bytes, row_count,
     min_business_date, max_business_date, created_run_id)
VALUES %s
ON CONFLICT (object_key) DO UPDATE SET
    etag = EXCLUDED.etag, size_bytes = EXCLUDED.size_bytes, row_count = EXCLUDED.row_count,
    min_business_date = EXCLUDED.min_business_date, max_business_date = EXCLUDED.max_business_date,
    created_run_id = EXCLUDED.created_run_id, created_at = now(), loaded_run_id = NULL, loaded_at = NULL;

-- name: read_pending_objects
SELECT object_key, dataset, source, logical_date, etag, size_bytes, row_count, min_business_date, max_business_date
FROM ops.loaded_object
WHERE dataset = %(dataset)s
  AND (loaded_at IS NULL AND logical_date <= %(up_to)s OR logical_date = %(force_date)s)
ORDER BY logical_date, source, object_key;

-- name: mark_loaded
UPDATE ops.loaded_object SET loaded_run_id = %(run_id)s, loaded_at = now() WHERE object_key = ANY(%(keys)s);

-- name: write_voids
INSERT INTO ops.void_transaction AS old (pipeline, source, transaction_id, version, business_date, run_id)
VALUES %s
ON CONFLICT (pipeline, source, transaction_id) DO UPDATE SET
    version = EXCLUDED.version, business_date = EXCLUDED.business_date, run_id = EXCLUDED.run_id, applied_run_id = NULL
WHERE EXCLUDED.version > old.version;

-- name: has_pending_voids
SELECT EXISTS (SELECT FROM ops.void_transaction WHERE pipeline = %(pipeline)s AND applied_run_id IS NULL);

-- name: write_arrival
INSERT INTO ops.arrival
    (pipeline, source, logical_date, source_rows, landed_rows, rejected_rows, late_rows, corrected_rows, run_id)
VALUES (%(pipeline)s, %(source)s, %(logical_date)s, %(source_rows)s, %(landed_rows)s, %(rejected_rows)s,
        %(late_rows)s, %(corrected_rows)s, %(run_id)s)
ON CONFLICT (pipeline, source, logical_date) DO UPDATE SET
    source_rows = EXCLUDED.source_rows, landed_rows = EXCLUDED.landed_rows, rejected_rows = EXCLUDED.rejected_rows,
    late_rows = EXCLUDED.late_rows, corrected_rows = EXCLUDED.corrected_rows, run_id = EXCLUDED.run_id,
    arrived_at = now();

-- name: write_reconciliation
INSERT INTO ops.reconciliation AS old
    (pipeline, source, business_date, run_id, source_rows, fact_rows, duplicate_rows, rejected_rows)
VALUES %s
ON CONFLICT (pipeline, source, business_date, run_id) DO UPDATE SET
    source_rows = old.source_rows + EXCLUDED.source_rows,
    fact_rows = old.fact_rows + EXCLUDED.fact_rows,
    duplicate_rows = old.duplicate_rows + EXCLUDED.duplicate_rows,
    rejected_rows = old.rejected_rows + EXCLUDED.rejected_rows;
