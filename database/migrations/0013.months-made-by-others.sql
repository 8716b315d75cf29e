-- depends: 0012.parks-quality
-- A month that another session made an instant ago can be written to at once. A commit shows a partition before it tells
-- other sessions that their picture of the table is old: a row sent in that instant found "no partition of relation".
-- Whoever makes a month holds a lock on it until all are told, so locking it waits for that and no longer. Its parent is
-- locked first, as by everybody else: who drops a month and who writes to it would wait for each other.

CREATE OR REPLACE FUNCTION retail.make_fact_partition(month_start date, parent regclass) RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
    partition_name text := 'fact_sales_' || to_char(month_start, 'YYYY_MM');
    next_month date := (month_start + interval '1 month')::date;
BEGIN
    IF to_regclass('retail.' || partition_name) IS NOT NULL THEN
        LOCK TABLE ONLY retail.fact_sales IN ACCESS SHARE MODE;
        EXECUTE format('LOCK TABLE retail.%I IN ACCESS SHARE MODE', partition_name);
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

CREATE OR REPLACE FUNCTION parks.ensure_snapshot_partitions(first_day date, last_day date) RETURNS integer
LANGUAGE plpgsql AS $$
DECLARE
    parent text;
    month_start date;
    partition_name text;
    made integer := 0;
BEGIN
    FOREACH parent IN ARRAY ARRAY['ride_status_snapshots', 'queue_postings', 'snapshot_extras'] LOOP
        FOR month_start IN
            SELECT generate_series(date_trunc('month', first_day::timestamp), last_day::timestamp, interval '1 month')::date
        LOOP
            partition_name := parent || '_' || to_char(month_start, 'YYYY_MM');
            IF to_regclass('parks.' || partition_name) IS NOT NULL THEN
                EXECUTE format('LOCK TABLE ONLY parks.%I IN ACCESS SHARE MODE', parent);
                EXECUTE format('LOCK TABLE parks.%I IN ACCESS SHARE MODE', partition_name);
                CONTINUE;
            END IF;
            PERFORM pg_advisory_xact_lock(hashtext('parks.ensure_snapshot_partitions'));
            -- asked of the table itself: to_regclass would remember what it did not find before the wait
            CONTINUE WHEN EXISTS (SELECT FROM pg_catalog.pg_class
                                  WHERE relname = partition_name AND relnamespace = 'parks'::regnamespace);
            -- made beside and attached, not CREATE ... PARTITION OF: that would lock readers of the history out
            EXECUTE format('CREATE TABLE parks.%I (LIKE parks.%I INCLUDING DEFAULTS INCLUDING CONSTRAINTS)',
                           partition_name, parent);
            EXECUTE format('ALTER TABLE parks.%I ATTACH PARTITION parks.%I FOR VALUES FROM (%L) TO (%L)',
                           parent, partition_name, month_start::timestamp AT TIME ZONE 'UTC',
                           (month_start + interval '1 month')::timestamp AT TIME ZONE 'UTC');
            made := made + 1;
        END LOOP;
    END LOOP;
    RETURN made;
END
$$;
