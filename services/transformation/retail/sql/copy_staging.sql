-- One row a line of the raw objects, every version of it. Times come without a zone, in UTC.
-- Reads: the raw Parquet objects, as CSV on standard input. Read by: every other statement of the load.
COPY staging.retail_sales (
    retailer_id, business_date, store_id, store_name, customer_id, customer_country,
    product_id, product_name, category, transaction_id, line_id,
    sold_at, quantity, unit_price, discount, total, updated_at, chunk_number
) FROM STDIN WITH (FORMAT csv)
