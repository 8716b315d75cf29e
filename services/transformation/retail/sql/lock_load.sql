-- Waits until no other load is under way; the lock goes with the transaction.
-- Read by: star.load, before it looks at what is pending.
SELECT pg_advisory_xact_lock(hashtext('retail.fact_sales:load'));
