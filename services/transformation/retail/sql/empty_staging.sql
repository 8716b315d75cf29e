-- Empties the staging table; only the load that holds the lock gets here.
TRUNCATE staging.retail_sales;
