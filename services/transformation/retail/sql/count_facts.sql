-- One row a retailer and business day from `first` to `last`: how many facts are in the table now.
-- Reads retail.fact_sales. Read by: cronhouse reconcile, which compares it with the ledger.
SELECT r.retailer_id AS source, f.business_date, count(*) AS facts
FROM retail.fact_sales AS f
JOIN retail.dim_retailer AS r USING (retailer_key)
WHERE f.business_date BETWEEN %(first)s AND %(last)s
GROUP BY r.retailer_id, f.business_date;
