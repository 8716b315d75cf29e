-- A page of orders of some stores between two moments, both included, after the place where the last page ended:
-- one row an order in its latest version. Read by POST /v2/orders/search.
SELECT sale_id, reference, kind, parent_id, customer_id, sold_at, updated_at, version, store_id AS location_id
FROM sale JOIN store USING (store_no)
WHERE sold_at <= %(now)s AND updated_at <= %(now)s AND NOT %(nothing)s
  AND store_id = ANY(%(locations)s)
  AND (%(start_at)s IS NULL OR {column} >= %(start_at)s)
  AND {column} <= %(until)s
  AND (%(customers)s IS NULL OR customer_id = ANY(%(customers)s::bigint[]))
  AND (%(moment)s IS NULL OR ({column}, sale_id) {beyond} (%(moment)s, %(sale_id)s))
ORDER BY {column} {direction}, sale_id {direction}
LIMIT %(limit)s
