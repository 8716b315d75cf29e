-- One row a customer with a first purchase in the newly copied days. Reads sale; read by customer pages.
INSERT INTO customer (customer_id, country, since)
SELECT customer_id, min(country), min(sold_at)
FROM sale
WHERE customer_id IS NOT NULL AND sold_at > %(after)s
GROUP BY customer_id
ON CONFLICT DO NOTHING
