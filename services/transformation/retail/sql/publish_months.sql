-- Makes the new months partitions of retail.fact_sales. Their indexes are built now: a key that stands twice fails.
SELECT retail.publish_new_months();
