-- Takes the summaries of products away that have no lines any more in a touched month of a retailer.
-- Reads: fresh_product_sales.
DELETE FROM retail.monthly_product_sales AS s
USING (
    SELECT DISTINCT date_trunc('month', day)::date AS month_start, retailer_key
    FROM unnest(%(days)s::timestamp[], %(retailers)s::smallint[]) AS t (day, retailer_key)
) AS touched
WHERE s.month_start = touched.month_start AND s.retailer_key = touched.retailer_key
  AND NOT EXISTS (
      SELECT FROM fresh_product_sales AS f
      WHERE f.month_start = s.month_start AND f.retailer_key = s.retailer_key AND f.product_key = s.product_key
  );
