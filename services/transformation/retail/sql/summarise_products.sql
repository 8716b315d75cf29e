-- One row a calendar month, retailer and product that came out otherwise than before: a late sale changes a month
-- by one row, and writing all of them again would take longer than adding up.
-- Reads: fresh_product_sales. Read by: the views by month.
INSERT INTO retail.monthly_product_sales AS s (
    month_start, retailer_key, product_key, days_sold, units_sold, units_returned, gross_sales, discounts, returns
)
SELECT f.*
FROM fresh_product_sales AS f
LEFT JOIN retail.monthly_product_sales AS before USING (month_start, retailer_key, product_key)
WHERE (f.days_sold, f.units_sold, f.units_returned, f.gross_sales, f.discounts, f.returns)
    IS DISTINCT FROM
    (before.days_sold, before.units_sold, before.units_returned, before.gross_sales, before.discounts, before.returns)
ON CONFLICT (month_start, retailer_key, product_key) DO UPDATE SET
    days_sold = EXCLUDED.days_sold, units_sold = EXCLUDED.units_sold, units_returned = EXCLUDED.units_returned,
    gross_sales = EXCLUDED.gross_sales, discounts = EXCLUDED.discounts, returns = EXCLUDED.returns;
