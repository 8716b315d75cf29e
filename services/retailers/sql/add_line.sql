-- Adds one line to a sale, of a product the retailer knows. Read by every page that shows lines.
INSERT INTO line (sale_id, line_no, product_id, name, quantity, unit_price, discount)
SELECT %(sale_id)s, %(line)s, product_id, coalesce(%(name)s, name), %(quantity)s, coalesce(%(unit_price)s, price), %(discount)s
FROM product
WHERE sku = %(sku)s
