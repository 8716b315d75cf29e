-- One row a product and spelling of it in the batch.
-- Reads: staging.retail_sales. Read by: merge_products.
CREATE TEMP TABLE load_product ON COMMIT DROP AS
SELECT retailer_id, product_id, product_name, category, max(updated_at) AS updated_at
FROM staging.retail_sales
GROUP BY retailer_id, product_id, product_name, category;
