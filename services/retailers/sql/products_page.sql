-- A page of products by number, with the count of all. Read by catalogue pages.
SELECT product_id, sku, name, category, price, count(*) OVER () AS total
FROM product
WHERE (%(ids)s IS NULL OR product_id = ANY(%(ids)s)) AND (%(sku)s IS NULL OR sku = ANY(%(sku)s))
ORDER BY product_id
LIMIT %(limit)s OFFSET %(offset)s
