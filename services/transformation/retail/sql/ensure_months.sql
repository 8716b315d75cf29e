-- Makes the partitions and calendar days of the months that the batch touches, and of no other.
-- Reads: load_transaction.
SELECT retail.ensure_fact_partitions(month, month)
FROM (SELECT DISTINCT date_trunc('month', business_date)::date AS month FROM load_transaction) AS months
ORDER BY month;
