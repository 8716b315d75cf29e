-- One row a month of the batch that was not there: makes its partition, under staging.new_months and without indexes,
-- and its days of the calendar. Months that are there stay as they are, and so does every month without lines.
-- Reads: load_transaction. Read by: star.load, which fills the new months and then publishes them.
SELECT month
FROM (SELECT DISTINCT date_trunc('month', business_date)::date AS month FROM load_transaction) AS months
WHERE retail.make_fact_partition(month, 'staging.new_months')
ORDER BY month;
