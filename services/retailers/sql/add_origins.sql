-- A refund needs an order. Where the original cannot be told, one row: an order without lines, made with the refund.
-- Reads and writes sale; read by the pages of orders.
INSERT INTO sale (sale_id, reference, kind, store_no, customer_id, country, sold_at, updated_at)
SELECT sale_id - 100000, 'for ' || reference, 'origin', store_no, customer_id, country, sold_at, sold_at
FROM sale
WHERE kind IN ('return', 'adjustment') AND parent_id IS NULL AND sold_at > %(after)s
