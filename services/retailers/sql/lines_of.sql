-- The lines of some sales, in order. Read by every page that shows lines.
SELECT line.*, product.sku, product.category
FROM line JOIN product USING (product_id)
WHERE sale_id = ANY(%(ids)s)
ORDER BY sale_id, line_no
