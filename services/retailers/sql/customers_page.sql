-- A page of customers by number. Read by the customer pages.
SELECT customer_id, country, since
FROM customer
WHERE (%(ids)s IS NULL OR customer_id = ANY(%(ids)s::bigint[])) AND customer_id > %(after)s AND since <= %(now)s
ORDER BY customer_id
LIMIT %(limit)s
