-- depends: 0002.retail
-- Partitions and calendar on demand, what loads did, and the views for BI.

CREATE TABLE retail.fact_load (
    run_id             bigint PRIMARY KEY,
    loaded_at          timestamptz NOT NULL DEFAULT now(),
    lines              bigint NOT NULL,
    inserted           bigint NOT NULL,
    superseded         bigint NOT NULL,
    dimensions_changed bigint NOT NULL,
    processed_at       timestamptz
);
COMMENT ON TABLE retail.fact_load IS 'One row a load of the star, written in its transaction.';
COMMENT ON COLUMN retail.fact_load.run_id IS 'The run of ops.job_run.';
COMMENT ON COLUMN retail.fact_load.lines IS 'Lines staged.';
COMMENT ON COLUMN retail.fact_load.inserted IS 'Facts added.';
COMMENT ON COLUMN retail.fact_load.superseded IS 'Facts taken away because a newer version of their transaction came.';
COMMENT ON COLUMN retail.fact_load.dimensions_changed IS 'Dimension rows added or changed.';
COMMENT ON COLUMN retail.fact_load.processed_at IS 'When the processed Parquet files of the load were registered; null until then, and the next run writes them.';
CREATE INDEX fact_load_unprocessed ON retail.fact_load (run_id) WHERE processed_at IS NULL;

CREATE FUNCTION retail.ensure_fact_partitions(first_day date, last_day date) RETURNS integer
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
COMMENT ON FUNCTION retail.ensure_fact_partitions(date, date) IS 'Make the monthly partitions of fact_sales between two days, and the days of those months in dim_date; return how many months were new. Readers are not locked out.';
