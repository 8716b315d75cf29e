-- One row for the lines of new months and one for those of months that were there: how many belong to transactions
-- that nothing contests, and their days.
-- Reads: load_transaction, load_contested. Read by: star.load, which inserts them and compares the numbers.
SELECT date_trunc('month', t.business_date)::date = ANY(%(new_months)s::date[]) AS is_new,
       array_agg(DISTINCT t.business_date) AS days, sum(t.lines)::bigint AS lines
FROM load_transaction AS t
LEFT JOIN load_contested AS x USING (retailer_id, transaction_id)
WHERE x.version IS NULL
GROUP BY is_new
ORDER BY is_new DESC;
