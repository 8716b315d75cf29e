-- One row a transaction of the batch that has facts already, and business day and version of these.
-- Reads: load_version; retail.fact_sales by its unique index, which begins with transaction_id, on every
-- day: a correction may move a sale. Read by: delete_superseded, find_contested, write_ledger.
CREATE TEMP TABLE load_known ON COMMIT DROP AS
SELECT f.retailer_key, v.retailer_id, f.transaction_id, f.business_date,
       f.source_updated_at AS known_version, v.version, count(*) AS lines
FROM load_version AS v
JOIN retail.fact_sales AS f ON f.transaction_id = v.transaction_id AND f.retailer_key = v.retailer_key
GROUP BY f.retailer_key, v.retailer_id, f.transaction_id, f.business_date, f.source_updated_at, v.version;
