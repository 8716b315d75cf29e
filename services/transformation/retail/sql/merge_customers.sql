-- One row a customer of the batch, and the unknown customer of every retailer (type 1: the newest line that
-- names a country wins, whatever the order of arrival; the unknown customer has none).
-- Reads: load_transaction, retail.dim_retailer.
MERGE INTO retail.dim_customer AS d
USING (
    WITH spelled AS (
        SELECT r.retailer_key, t.customer_id, nullif(t.customer_country, '') AS country, t.last_version AS updated_at
        FROM load_transaction AS t
        JOIN retail.dim_retailer AS r USING (retailer_id)
        WHERE t.customer_id <> ''
        UNION ALL
        SELECT retailer_key, '', NULL, 'epoch' FROM retail.dim_retailer
    )
    SELECT DISTINCT ON (retailer_key, customer_id) retailer_key, customer_id, country, updated_at
    FROM spelled
    ORDER BY retailer_key, customer_id, country IS NULL, updated_at DESC, country COLLATE "C" DESC
) AS s
ON d.retailer_key = s.retailer_key AND d.customer_id = s.customer_id
WHEN MATCHED AND s.country IS NOT NULL
      AND (d.country IS NULL OR (s.updated_at, s.country COLLATE "C") > (d.updated_at, d.country)) THEN
    UPDATE SET country = s.country, updated_at = s.updated_at
WHEN NOT MATCHED THEN
    INSERT (retailer_key, customer_id, country, updated_at)
    VALUES (s.retailer_key, s.customer_id, s.country, s.updated_at);
