-- Tells the planner how large the batch is; autovacuum never sees temporary tables.
ANALYZE load_transaction (retailer_id, transaction_id), load_version (retailer_key, transaction_id);
