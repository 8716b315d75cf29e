-- Says how many lines of the batch belong to transactions that nothing contests.
-- Reads: load_transaction, load_contested. Read by: star.load, which compares it with what insert_new inserted.
SELECT coalesce(sum(t.lines), 0)
FROM load_transaction AS t
LEFT JOIN load_contested AS x USING (retailer_id, transaction_id)
WHERE x.version IS NULL;
