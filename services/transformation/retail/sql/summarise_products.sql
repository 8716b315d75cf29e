-- One row a calendar month, retailer and product, of touched months.
-- Reads: retail.fact_sales, the partitions of these months only. Read by: the views by month.
INSERT INTO retail.monthly_product_sales (
    month_start, retailer_key, product_key, days_sold, units_sold, units_returned, gross_sales, discounts, returns
)
WITH by_day AS (
    SELECT business_date, retailer_key, product_key,
           coalesce(sum(quantity) FILTER (WHERE quantity >= 0), 0) AS units_sold,
           coalesce(-sum(quantity) FILTER (WHERE quantity < 0), 0) AS units_returned,
           coalesce(sum(total) FILTER (WHERE quantity >= 0), 0) AS gross_sales,
           coalesce(sum(discount) FILTER (WHERE quantity >= 0), 0) AS discounts,
           coalesce(-sum(total) FILTER (WHERE quantity < 0), 0) AS returns
    FROM retail.fact_sales
    WHERE business_date = ANY(%(month_days)s::date[])
    GROUP BY business_date, retailer_key, product_key
)
SELECT date_trunc('month', business_date)::date, retailer_key, product_key,
       count(*) FILTER (WHERE units_sold > 0),
       sum(units_sold), sum(units_returned), sum(gross_sales), sum(discounts), sum(returns)
FROM by_day
GROUP BY 1, 2, 3;
