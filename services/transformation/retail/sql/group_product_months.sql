-- One row a calendar month, retailer and product, of the touched months of a retailer: all their lines added up anew.
-- Days sold are counted as bits, since count(DISTINCT) would sort every line. A table of its own, because only a
-- query that writes nothing else may run in parallel.
-- Reads: retail.fact_sales, the partitions of these months only. Read by: clear_product_months, summarise_products.
CREATE TEMP TABLE fresh_product_sales ON COMMIT DROP AS
WITH touched AS (
    SELECT DISTINCT date_trunc('month', day)::date AS month_start, retailer_key
    FROM unnest(%(days)s::timestamp[], %(retailers)s::smallint[]) AS t (day, retailer_key)
), lines AS (
    SELECT date_trunc('month', business_date::timestamp)::date AS month_start, retailer_key, product_key,
           extract(day FROM business_date)::integer AS day, quantity, total, discount
    FROM retail.fact_sales
    WHERE business_date = ANY(%(month_days)s::date[])
)
SELECT month_start, retailer_key, product_key,
       coalesce(bit_count((bit_or(1 << (day - 1)) FILTER (WHERE quantity > 0))::bit(32)), 0) AS days_sold,
       coalesce(sum(quantity) FILTER (WHERE quantity >= 0), 0) AS units_sold,
       coalesce(-sum(quantity) FILTER (WHERE quantity < 0), 0) AS units_returned,
       coalesce(sum(total) FILTER (WHERE quantity >= 0), 0) AS gross_sales,
       coalesce(sum(discount) FILTER (WHERE quantity >= 0), 0) AS discounts,
       coalesce(-sum(total) FILTER (WHERE quantity < 0), 0) AS returns
FROM lines
JOIN touched USING (month_start, retailer_key)
GROUP BY month_start, retailer_key, product_key;
