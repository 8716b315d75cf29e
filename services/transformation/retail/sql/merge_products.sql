-- One row a product of the batch (type 1: the newest line that names the product wins, whatever the order of
-- arrival). The category comes from that line, else from the first rule that its name matches.
-- Reads: load_product, retail.dim_retailer, retail.category_rule.
MERGE INTO retail.dim_product AS d
USING (
    WITH newest AS (
        SELECT DISTINCT ON (r.retailer_key, p.product_id)
               r.retailer_key, p.product_id, nullif(p.product_name, '') AS product_name,
               nullif(p.category, '') AS category, p.updated_at
        FROM load_product AS p
        JOIN retail.dim_retailer AS r USING (retailer_id)
        ORDER BY r.retailer_key, p.product_id, nullif(p.product_name, '') IS NULL, p.updated_at DESC,
                 p.product_name COLLATE "C" DESC, p.category COLLATE "C" DESC NULLS LAST
    )
    SELECT n.retailer_key, n.product_id, n.product_name, n.updated_at,
           coalesce(n.category, rule.category, 'Uncategorised') AS category
    FROM newest AS n
    LEFT JOIN LATERAL (
        SELECT c.category FROM retail.category_rule AS c
        WHERE n.category IS NULL AND n.product_name ~* c.pattern
        ORDER BY c.priority LIMIT 1
    ) AS rule ON true
) AS s
ON d.retailer_key = s.retailer_key AND d.product_id = s.product_id
WHEN MATCHED AND s.product_name IS NOT NULL
      AND (d.product_name IS NULL OR (s.updated_at, s.product_name COLLATE "C", s.category COLLATE "C")
                                   > (d.updated_at, d.product_name, d.category)) THEN
    UPDATE SET product_name = s.product_name, category = s.category, updated_at = s.updated_at
WHEN NOT MATCHED THEN
    INSERT (retailer_key, product_id, product_name, category, updated_at)
    VALUES (s.retailer_key, s.product_id, s.product_name, s.category, s.updated_at);
