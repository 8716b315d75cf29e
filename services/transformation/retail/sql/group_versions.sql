-- One row a transaction of the batch: its newest version and its oldest.
-- Reads: load_transaction, retail.dim_retailer. Read by: find_known, find_contested.
CREATE TEMP TABLE load_version ON COMMIT DROP AS
SELECT r.retailer_key, t.retailer_id, t.transaction_id,
       max(t.last_version) AS version, min(t.first_version) AS first_version
FROM load_transaction AS t
JOIN retail.dim_retailer AS r USING (retailer_id)
GROUP BY r.retailer_key, t.retailer_id, t.transaction_id;
