-- One row a retailer that the batch has lines of and nobody declared. None is right.
-- Reads: load_transaction, retail.dim_retailer.
SELECT DISTINCT t.retailer_id
FROM load_transaction AS t
WHERE NOT EXISTS (SELECT FROM retail.dim_retailer AS r WHERE r.retailer_id = t.retailer_id)
ORDER BY t.retailer_id;
