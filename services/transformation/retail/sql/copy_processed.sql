-- One row a fact that a load inserted, with the attributes of its dimensions as they are now, day by day.
-- Reads: retail.fact_sales, the partitions of the load's days, and the dimensions. Read by: the processed files.
COPY (
    SELECT f.business_date, r.retailer_id, r.retailer_name, r.currency, s.store_id, s.store_name,
           c.customer_id, c.country AS customer_country, p.product_id, p.product_name, p.category,
           f.transaction_id, f.line_id, f.sold_at AT TIME ZONE 'UTC' AS sold_at,
           f.quantity, f.unit_price, f.discount, f.total,
           f.source_updated_at AT TIME ZONE 'UTC' AS source_updated_at, f.run_id
    FROM retail.fact_sales AS f
    JOIN retail.dim_retailer AS r USING (retailer_key)
    JOIN retail.dim_store AS s USING (store_key)
    JOIN retail.dim_customer AS c USING (customer_key)
    JOIN retail.dim_product AS p USING (product_key)
    WHERE f.run_id = %(run_id)s AND f.business_date = ANY(%(days)s::date[])
    ORDER BY f.business_date
) TO STDOUT WITH (FORMAT csv)
