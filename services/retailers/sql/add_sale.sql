-- Adds one transaction that the retailer hears of late; its number lies beyond those of the source. Read by every page.
WITH number AS (
    SELECT greatest(max(sale_id), 900000000) + 1 AS sale_id FROM sale
)
INSERT INTO sale (sale_id, reference, kind, store_no, customer_id, country, sold_at, updated_at, printed_time)
SELECT sale_id, coalesce(%(reference)s, sale_id::text), %(kind)s, %(store_no)s, %(customer_id)s, %(country)s, %(sold_at)s,
       %(updated_at)s, %(printed_time)s
FROM number
RETURNING sale_id, reference, version, updated_at
