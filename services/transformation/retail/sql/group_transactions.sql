-- One row a transaction, business day, store and customer of the batch: small, and all that stores,
-- customers, versions and the ledger need to know of it.
-- Reads: staging.retail_sales. Read by: the merges, find_known, write_ledger.
CREATE TEMP TABLE load_transaction ON COMMIT DROP AS
SELECT retailer_id, transaction_id, business_date, store_id, store_name, customer_id, customer_country,
       count(*) AS lines, min(updated_at) AS first_version, max(updated_at) AS last_version,
       min(chunk_number) AS first_chunk, max(chunk_number) AS last_chunk
FROM staging.retail_sales
GROUP BY retailer_id, transaction_id, business_date, store_id, store_name, customer_id, customer_country;
