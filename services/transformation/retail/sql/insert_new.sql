-- One fact a line of a transaction that is new and came once: nothing to conflict with. Goes to retail.fact_sales, or
-- to staging.new_months for the months that this load made; of the given days alone, of all where none are given.
-- Outer joins on purpose: a line without its dimension row breaks a NOT NULL and fails the load, where an inner
-- join would lose it in silence. load_contested.version is tested and not a join column, so that it stays a
-- lookup in a small hash table, which keeps the order of the lines and with it the index inserts local.
-- Reads: staging.retail_sales, load_contested, the dimensions.
INSERT INTO {facts} (
    business_date, retailer_key, store_key, customer_key, product_key, transaction_id, line_id,
    sold_at, quantity, unit_price, discount, total, source_updated_at, run_id
)
SELECT s.business_date, r.retailer_key, st.store_key, c.customer_key, p.product_key, s.transaction_id, s.line_id,
       s.sold_at, s.quantity, s.unit_price, s.discount, s.total, s.updated_at, %(run_id)s
FROM staging.retail_sales AS s
LEFT JOIN load_contested AS x ON x.transaction_id = s.transaction_id AND x.retailer_id = s.retailer_id
LEFT JOIN retail.dim_retailer AS r ON r.retailer_id = s.retailer_id
LEFT JOIN retail.dim_store AS st ON st.retailer_key = r.retailer_key AND st.store_id = s.store_id
LEFT JOIN retail.dim_customer AS c ON c.retailer_key = r.retailer_key AND c.customer_id = s.customer_id
LEFT JOIN retail.dim_product AS p ON p.retailer_key = r.retailer_key AND p.product_id = s.product_id
WHERE x.version IS NULL AND (%(days)s::date[] IS NULL OR s.business_date = ANY(%(days)s::date[]));
