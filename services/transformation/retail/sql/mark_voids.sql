-- Says that the facts older than a version without lines are gone; one that came in a newer version meanwhile waits.
-- Reads: load_void.
UPDATE ops.void_transaction AS v SET applied_run_id = %(run_id)s
FROM load_void AS l
WHERE v.pipeline = 'retail' AND v.source = l.retailer_id AND v.transaction_id = l.transaction_id
  AND v.version = l.version AND v.applied_run_id IS NULL;
