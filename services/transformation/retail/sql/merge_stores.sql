-- One row a store of the batch, and the unknown store of every retailer (type 1: the newest line that names
-- the store wins, whatever the order of arrival; the unknown store has no name).
-- Reads: load_transaction, retail.dim_retailer.
MERGE INTO retail.dim_store AS d
USING (
    WITH spelled AS (
        SELECT r.retailer_key, t.store_id, nullif(t.store_name, '') AS store_name, t.last_version AS updated_at
        FROM load_transaction AS t
        JOIN retail.dim_retailer AS r USING (retailer_id)
        WHERE t.store_id <> ''
        UNION ALL
        SELECT retailer_key, '', NULL, 'epoch' FROM retail.dim_retailer
    )
    SELECT DISTINCT ON (retailer_key, store_id) retailer_key, store_id, store_name, updated_at
    FROM spelled
    ORDER BY retailer_key, store_id, store_name IS NULL, updated_at DESC, store_name COLLATE "C" DESC
) AS s
ON d.retailer_key = s.retailer_key AND d.store_id = s.store_id
WHEN MATCHED AND s.store_name IS NOT NULL
      AND (d.store_name IS NULL OR (s.updated_at, s.store_name COLLATE "C") > (d.updated_at, d.store_name)) THEN
    UPDATE SET store_name = s.store_name, updated_at = s.updated_at
WHEN NOT MATCHED THEN
    INSERT (retailer_key, store_id, store_name, updated_at)
    VALUES (s.retailer_key, s.store_id, s.store_name, s.updated_at);
