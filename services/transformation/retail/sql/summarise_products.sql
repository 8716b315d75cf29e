-- One row a retailer, business day and product, of touched days.
-- Reads: retail.fact_sales, the partitions of these days only. Read by: the views by product and category.
INSERT INTO retail.daily_product_sales (
    business_date, retailer_key, product_key, units_sold, units_returned, gross_sales, discounts, returns
)
SELECT business_date, retailer_key, product_key,
       coalesce(sum(quantity) FILTER (WHERE quantity >= 0), 0),
       coalesce(-sum(quantity) FILTER (WHERE quantity < 0), 0),
       coalesce(sum(total) FILTER (WHERE quantity >= 0), 0),
       coalesce(sum(discount) FILTER (WHERE quantity >= 0), 0),
       coalesce(-sum(total) FILTER (WHERE quantity < 0), 0)
FROM retail.fact_sales
WHERE business_date = ANY(%(days)s::date[])
GROUP BY business_date, retailer_key, product_key;
