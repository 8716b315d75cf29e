-- A page of a web shop's orders in their latest version, as far as they have happened, and how many there are in all:
-- one row an order, or a single row without an order when the page is empty. Read by GET /orders.
WITH matching AS (
    SELECT sale_id, reference, kind, status, customer_id, country, sold_at, updated_at
    FROM sale
    WHERE kind IN ('sale', 'origin') AND sold_at <= %(now)s AND updated_at <= %(now)s
      AND (%(in_trash)s IS NULL OR coalesce(status = 'trash', false) = %(in_trash)s)
      AND (%(after)s IS NULL OR sold_at > %(after)s)
      AND (%(before)s IS NULL OR sold_at < %(before)s)
      AND (%(modified_after)s IS NULL OR updated_at > %(modified_after)s)
      AND (%(modified_before)s IS NULL OR updated_at < %(modified_before)s)
      AND (%(customer)s IS NULL OR coalesce(customer_id, 0) = %(customer)s)
      AND (%(include)s IS NULL OR sale_id = ANY(%(include)s::bigint[]))
      AND (%(exclude)s IS NULL OR sale_id <> ALL(%(exclude)s::bigint[]))
),
page AS (
    SELECT * FROM matching ORDER BY {order} LIMIT %(limit)s OFFSET %(offset)s
)
SELECT (SELECT count(*) FROM matching) AS total, page.*
FROM (SELECT 1) AS always LEFT JOIN page ON true
ORDER BY {order}
