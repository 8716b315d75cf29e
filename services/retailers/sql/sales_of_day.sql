-- What the retailer itself knows of the transactions sold on a local day, as far as they have happened: one row each.
-- Read by GET /_sales, for tests to compare with.
SELECT sale_id, reference, kind, customer_id, sold_at, updated_at, version, count(*) AS lines, sum(quantity) AS quantity,
       sum(round(quantity * unit_price, 2) - discount) AS total
FROM sale JOIN line USING (sale_id)
WHERE (sold_at AT TIME ZONE 'Europe/London')::date = %(day)s AND sold_at <= %(now)s AND updated_at <= %(now)s
GROUP BY sale_id
ORDER BY sale_id
