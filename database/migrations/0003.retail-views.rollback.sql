DROP FUNCTION retail.ensure_fact_partitions(date, date);
DROP TABLE retail.fact_load;
