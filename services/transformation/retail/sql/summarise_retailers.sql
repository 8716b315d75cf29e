-- One row a retailer and business day, of touched days. Transactions are grouped before they are counted:
-- count(DISTINCT) would sort every line.
-- Reads: retail.fact_sales, the partitions of these days only. Read by: the views by day, week and quarter.
INSERT INTO retail.daily_retailer_sales (
    business_date, retailer_key, transactions, return_transactions, customers, lines,
    units_sold, units_returned, gross_sales, discounts, returns
)
WITH transactions AS (
    SELECT f.business_date, f.retailer_key, f.transaction_id, f.customer_key,
           count(*) AS lines,
           count(*) FILTER (WHERE f.quantity >= 0) AS lines_sold,
           count(*) FILTER (WHERE f.quantity < 0) AS lines_returned,
           coalesce(sum(f.quantity) FILTER (WHERE f.quantity >= 0), 0) AS units_sold,
           coalesce(-sum(f.quantity) FILTER (WHERE f.quantity < 0), 0) AS units_returned,
           coalesce(sum(f.total) FILTER (WHERE f.quantity >= 0), 0) AS gross_sales,
           coalesce(sum(f.discount) FILTER (WHERE f.quantity >= 0), 0) AS discounts,
           coalesce(-sum(f.total) FILTER (WHERE f.quantity < 0), 0) AS returns
    FROM retail.fact_sales AS f
    WHERE f.business_date = ANY(%(days)s::date[])
    GROUP BY f.business_date, f.retailer_key, f.transaction_id, f.customer_key
)
SELECT t.business_date, t.retailer_key,
       count(DISTINCT t.transaction_id) FILTER (WHERE t.lines_sold > 0),
       count(DISTINCT t.transaction_id) FILTER (WHERE t.lines_returned > 0),
       count(DISTINCT t.customer_key) FILTER (WHERE t.lines_sold > 0 AND c.customer_id <> ''),
       sum(t.lines), sum(t.units_sold), sum(t.units_returned), sum(t.gross_sales), sum(t.discounts), sum(t.returns)
FROM transactions AS t
JOIN retail.dim_customer AS c USING (customer_key)
GROUP BY t.business_date, t.retailer_key;
