DROP FUNCTION retail.publish_new_months();
CREATE OR REPLACE FUNCTION retail.ensure_fact_partitions(first_day date, last_day date) RETURNS integer
LANGUAGE plpgsql AS $$
DECLARE
    month_start date;
    partition_name text;
    made integer := 0;
BEGIN
    FOR month_start IN
        SELECT generate_series(date_trunc('month', first_day::timestamp), last_day::timestamp, interval '1 month')::date
    LOOP
        partition_name := 'fact_sales_' || to_char(month_start, 'YYYY_MM');
        CONTINUE WHEN to_regclass('retail.' || partition_name) IS NOT NULL;
        PERFORM pg_advisory_xact_lock(hashtext('retail.ensure_fact_partitions'));
        CONTINUE WHEN to_regclass('retail.' || partition_name) IS NOT NULL;
        -- made beside and attached, not CREATE ... PARTITION OF: that would lock readers of fact_sales out
        EXECUTE format('CREATE TABLE retail.%I (LIKE retail.fact_sales INCLUDING DEFAULTS INCLUDING CONSTRAINTS)',
                       partition_name);
        EXECUTE format('ALTER TABLE retail.fact_sales ATTACH PARTITION retail.%I FOR VALUES FROM (%L) TO (%L)',
                       partition_name, month_start, (month_start + interval '1 month')::date);
        INSERT INTO retail.dim_date
        SELECT day, extract(year FROM day), extract(quarter FROM day), extract(month FROM day),
               to_char(day, 'FMMonth'), extract(isoyear FROM day), extract(week FROM day), extract(day FROM day),
               extract(isodow FROM day), to_char(day, 'FMDay'), extract(isodow FROM day) IN (6, 7)
        FROM generate_series(month_start::timestamp, month_start + interval '1 month - 1 day', interval '1 day') AS day
        ON CONFLICT (date_key) DO NOTHING;
        made := made + 1;
    END LOOP;
    RETURN made;
END
$$;
DROP FUNCTION retail.make_fact_partition(date, regclass);
DROP TABLE staging.new_months;
ALTER TABLE staging.retail_sales DROP COLUMN chunk_number;
