-- The lines of all transactions made or changed in a span of time, in their latest version. One row a line of the export.
-- Read by GET /exports/sales_<day>.csv.gz.
SELECT sale.reference, line.line_no, sale.kind, store.store_id, store.name AS store_name, sale.customer_id, sale.country,
       product.sku, line.name, product.category, sale.sold_at, sale.printed_time, line.quantity, line.unit_price,
       line.discount, round(line.quantity * line.unit_price, 2) - line.discount AS total, sale.updated_at
FROM sale
JOIN line USING (sale_id)
JOIN product USING (product_id)
LEFT JOIN store USING (store_no)
WHERE sale.updated_at >= %(start)s AND sale.updated_at < %(end)s AND sale.sold_at < %(end)s
ORDER BY sale.updated_at, sale.sale_id, line.line_no
