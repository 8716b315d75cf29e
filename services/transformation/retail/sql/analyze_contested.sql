-- Tells the planner that hardly anything is contested, as it is in an ordinary batch.
ANALYZE load_contested (retailer_id, transaction_id);
