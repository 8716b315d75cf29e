-- Gives a refund that came late the order it needs, made with it. Reads and writes sale; read by GET /orders.
WITH refund AS (
    UPDATE sale SET parent_id = sale_id - 100000, is_pending = false
    WHERE sale_id = %(sale_id)s
    RETURNING *
)
INSERT INTO sale (sale_id, reference, kind, store_no, customer_id, country, sold_at, updated_at)
SELECT sale_id - 100000, 'for ' || reference, 'origin', store_no, customer_id, country, sold_at, updated_at
FROM refund
