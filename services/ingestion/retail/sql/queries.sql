-- name: arrived
-- Retailers whose logical date arrived whole, with the run that brought it.
SELECT source, run_id FROM ops.arrival WHERE pipeline = %(pipeline)s AND logical_date = %(logical_date)s;

-- name: known_letters
SELECT fingerprint FROM ops.dead_letter
WHERE pipeline = %(pipeline)s AND source = %(source)s AND fingerprint = ANY(%(fingerprints)s);

-- name: settle_letter
-- Claims a letter: no row comes back when somebody else settled it first.
UPDATE ops.dead_letter SET state = 'replayed', settled_by = %(settled_by)s, settled_at = now()
WHERE dead_letter_id = %(dead_letter_id)s AND state = 'open'
RETURNING dead_letter_id;

-- name: letter_failed_again
UPDATE ops.dead_letter SET reason = %(reason)s, field = %(field)s
WHERE dead_letter_id = %(dead_letter_id)s AND state = 'open';

-- name: facts_of
SELECT r.retailer_id, f.business_date, f.line_id, f.quantity, f.total, f.source_updated_at, f.run_id
FROM retail.fact_sales f JOIN retail.dim_retailer r USING (retailer_key)
WHERE f.transaction_id = %(transaction_id)s
ORDER BY r.retailer_id, f.business_date, f.line_id;

-- name: voids_of
SELECT source, version, run_id, applied_run_id FROM ops.void_transaction
WHERE pipeline = %(pipeline)s AND transaction_id = %(transaction_id)s ORDER BY source;

-- name: letters_of
SELECT dead_letter_id, source, position, reason, field, rows, state, run_id, created_at
FROM ops.dead_letter
WHERE pipeline = %(pipeline)s AND strpos(payload, %(transaction_id)s) > 0
ORDER BY dead_letter_id;

-- name: raw_objects
-- Registered raw objects; of the given days alone when there are any.
SELECT object_key, source, logical_date, row_count, created_run_id, loaded_run_id, loaded_at
FROM ops.loaded_object
WHERE dataset = %(dataset)s
  AND (%(days)s::date[] IS NULL OR min_business_date = ANY(%(days)s::date[]))
ORDER BY logical_date DESC, object_key;

-- name: runs
SELECT run_id, job, logical_date, status, started_at, finished_at FROM ops.job_run
WHERE run_id = ANY(%(run_ids)s) ORDER BY run_id;
