-- One row a transaction of the batch: its newest version and its oldest, with or without lines, and the first and last
-- chunk that its lines came in.
-- Reads: load_transaction, load_void, retail.dim_retailer. Read by: find_known, find_contested.
CREATE TEMP TABLE load_version ON COMMIT DROP AS
SELECT r.retailer_key, t.retailer_id, t.transaction_id,
       max(t.last_version) AS version, min(t.first_version) AS first_version,
       min(t.first_chunk) AS first_chunk, max(t.last_chunk) AS last_chunk
FROM (
    SELECT retailer_id, transaction_id, first_version, last_version, first_chunk, last_chunk FROM load_transaction
    UNION ALL
    SELECT retailer_id, transaction_id, version, version, NULL, NULL FROM load_void
) AS t
JOIN retail.dim_retailer AS r USING (retailer_id)
GROUP BY r.retailer_key, t.retailer_id, t.transaction_id;
