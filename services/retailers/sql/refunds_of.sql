-- The refunds of some orders with their amounts, as far as they have happened. Read by GET /orders.
SELECT sale_id, reference, kind, parent_id, sold_at, -sum(round(quantity * unit_price, 2) - discount) AS amount
FROM sale JOIN line USING (sale_id)
WHERE parent_id = ANY(%(ids)s) AND sold_at <= %(now)s AND updated_at <= %(now)s
GROUP BY sale_id
ORDER BY sale_id DESC
