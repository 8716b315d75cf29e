-- One row a transaction that came once in a version without lines, which is still to be applied or of which the batch
-- has lines: these may be older.
-- Reads: ops.void_transaction, load_transaction, retail.dim_retailer. Read by: group_versions, mark_voids.
CREATE TEMP TABLE load_void ON COMMIT DROP AS
SELECT v.source AS retailer_id, v.transaction_id, v.version
FROM ops.void_transaction AS v
JOIN retail.dim_retailer AS r ON r.retailer_id = v.source
WHERE v.pipeline = 'retail' AND v.applied_run_id IS NULL
UNION
SELECT v.source, v.transaction_id, v.version
FROM load_transaction AS t
JOIN ops.void_transaction AS v ON v.source = t.retailer_id AND v.transaction_id = t.transaction_id
WHERE v.pipeline = 'retail';
