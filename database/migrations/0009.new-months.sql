-- depends: 0003.retail-views
-- A load of the star finds out while it stages whether a line came twice, and fills the months that it makes before
-- they get their indexes.

TRUNCATE staging.retail_sales;
ALTER TABLE staging.retail_sales ADD COLUMN chunk_number integer NOT NULL;
COMMENT ON COLUMN staging.retail_sales.chunk_number IS 'Counts the chunks of lines that were staged; no two lines of a transaction are the same in one chunk, a line that is there again gets a number of its own.';

CREATE TABLE staging.new_months (LIKE retail.fact_sales) PARTITION BY RANGE (business_date);
COMMENT ON TABLE staging.new_months IS 'The months that a load makes, until publish_new_months gives them to retail.fact_sales in the same transaction; nobody else ever sees a partition here.';

CREATE FUNCTION retail.make_fact_partition(month_start date, parent regclass) RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
    partition_name text := 'fact_sales_' || to_char(month_start, 'YYYY_MM');
    next_month date := (month_start + interval '1 month')::date;
BEGIN
    IF to_regclass('retail.' || partition_name) IS NOT NULL THEN
        RETURN false;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtext('retail.ensure_fact_partitions'));
    -- asked of the table itself: to_regclass would remember what it did not find before the wait
    IF EXISTS (SELECT FROM pg_catalog.pg_class
               WHERE relname = partition_name AND relnamespace = 'retail'::regnamespace) THEN
        RETURN false;
    END IF;
    -- made beside and attached, not CREATE ... PARTITION OF: that would lock readers of the parent out
    EXECUTE format('CREATE TABLE retail.%I (LIKE retail.fact_sales INCLUDING DEFAULTS INCLUDING CONSTRAINTS)',
                   partition_name);
    EXECUTE format('ALTER TABLE %s ATTACH PARTITION retail.%I FOR VALUES FROM (%L) TO (%L)',
                   parent, partition_name, month_start, next_month);
    INSERT INTO retail.dim_date
    SELECT day, extract(year FROM day), extract(quarter FROM day), extract(month FROM day),
           to_char(day, 'FMMonth'), extract(isoyear FROM day), extract(week FROM day), extract(day FROM day),
           extract(isodow FROM day), to_char(day, 'FMDay'), extract(isodow FROM day) IN (6, 7)
    FROM generate_series(month_start::timestamp, next_month - interval '1 day', interval '1 day') AS day
    ON CONFLICT (date_key) DO NOTHING;
    RETURN true;
END
$$;
COMMENT ON FUNCTION retail.make_fact_partition(date, regclass) IS 'Make the monthly partition of fact_sales that begins on a day under fact_sales itself or staging.new_months, and the days of the month in dim_date; false when the month is there. Readers are not locked out.';

CREATE OR REPLACE FUNCTION retail.ensure_fact_partitions(first_day date, last_day date) RETURNS integer
LANGUAGE sql AS $$
    SELECT count(*) FILTER (WHERE retail.make_fact_partition(month::date, 'retail.fact_sales'))::integer
    FROM generate_series(date_trunc('month', first_day::timestamp), last_day::timestamp, interval '1 month') AS month
$$;

CREATE FUNCTION retail.publish_new_months() RETURNS integer
LANGUAGE plpgsql AS $$
DECLARE
    month record;
    published integer := 0;
BEGIN
    FOR month IN
        SELECT c.oid::regclass AS name, pg_get_expr(c.relpartbound, c.oid) AS bound
        FROM pg_inherits AS i
        JOIN pg_class AS c ON c.oid = i.inhrelid
        WHERE i.inhparent = 'staging.new_months'::regclass
        ORDER BY c.relname
    LOOP
        EXECUTE format('ALTER TABLE staging.new_months DETACH PARTITION %s', month.name);
        EXECUTE format('ALTER TABLE retail.fact_sales ATTACH PARTITION %s %s', month.name, month.bound);
        published := published + 1;
    END LOOP;
    RETURN published;
END
$$;
COMMENT ON FUNCTION retail.publish_new_months() IS 'Move the partitions of staging.new_months to fact_sales, which builds its indexes on them and fails on a key that stands twice; return how many there were. Readers are not locked out.';
