-- Some orders by number, as far as they have happened. Read by the pages that show orders by id.
SELECT sale_id, reference, kind, parent_id, customer_id, sold_at, updated_at, version, store_id AS location_id
FROM sale JOIN store USING (store_no)
WHERE sale_id = ANY(%(ids)s::bigint[]) AND sold_at <= %(now)s AND updated_at <= %(now)s
ORDER BY sale_id
