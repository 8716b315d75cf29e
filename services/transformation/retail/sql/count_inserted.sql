-- Says how many facts came of contested transactions.
-- Reads: load_inserted. Read by: star.load.
SELECT coalesce(sum(lines), 0) FROM load_inserted;
