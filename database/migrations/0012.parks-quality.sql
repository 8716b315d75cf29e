-- depends: 0011.parks-statistics
-- Schema parks: how good its history is, and what it takes on the disk.

CREATE INDEX archive_object_imported ON parks.archive_object (imported_at, object_id) WHERE status = 'IMPORTED';

CREATE TABLE parks.quality_day (
    park_id          uuid NOT NULL,
    local_date       date NOT NULL,
    archive_rows     bigint NOT NULL,
    live_rows        bigint NOT NULL,
    unknown_rows     bigint NOT NULL,
    operating_rows   bigint NOT NULL,
    wait_rows        bigint NOT NULL,
    zero_rows        bigint NOT NULL,
    night_rows       bigint NOT NULL,
    extreme_rows     bigint NOT NULL,
    compared_minutes numeric(12, 2) NOT NULL,
    agreed_minutes   numeric(12, 2) NOT NULL,
    gap_minutes      numeric(8, 2) NOT NULL DEFAULT 0,
    is_complete      boolean NOT NULL,
    checked_at       timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (park_id, local_date)
);
COMMENT ON TABLE parks.quality_day IS 'One row a park and local day that the quality job looked at. Counts are snapshots.';
COMMENT ON COLUMN parks.quality_day.unknown_rows IS 'With a status that nobody knows.';
COMMENT ON COLUMN parks.quality_day.operating_rows IS 'OPERATING with a standby queue; wait_rows of them posted a wait, zero_rows a wait of 0.';
COMMENT ON COLUMN parks.quality_day.night_rows IS 'OPERATING with a wait above 0, outside all published hours.';
COMMENT ON COLUMN parks.quality_day.compared_minutes IS 'Ride-minutes in which ARCHIVE and LIVE both said something; agreed_minutes of them the same.';
COMMENT ON COLUMN parks.quality_day.gap_minutes IS 'Minutes of gaps that the schedule does not explain.';
COMMENT ON COLUMN parks.quality_day.is_complete IS 'The day was over when it was looked at.';

CREATE TABLE parks.gap (
    park_id    uuid NOT NULL,
    local_date date NOT NULL,
    gap_from   timestamptz NOT NULL,
    gap_to     timestamptz NOT NULL,
    cause      text NOT NULL CHECK (cause IN ('not_polled', 'no_answer', 'source_silent', 'no_object', 'closed')),
    is_whole   boolean NOT NULL,
    PRIMARY KEY (park_id, gap_from)
);
COMMENT ON TABLE parks.gap IS 'One row a park, local day and stretch of it in which none of its rides posted anything: within published hours, or all day where none are published.';
COMMENT ON COLUMN parks.gap.cause IS 'not_polled: we did not ask; no_answer: we asked in vain; source_silent: it answered with nothing new, or the archive has the day without events; no_object: the archive has nothing of the day; closed: by the schedule.';
COMMENT ON COLUMN parks.gap.is_whole IS 'All of the stretch of opening hours, or all of the day: the next day''s may go on from it.';

CREATE VIEW parks.gap_spans AS
    WITH marked AS (
        SELECT *, CASE WHEN is_whole AND lag(is_whole) OVER w AND lag(cause) OVER w = cause
                            AND local_date - lag(local_date) OVER w <= 1 THEN 0 ELSE 1 END AS is_first
        FROM parks.gap
        WINDOW w AS (PARTITION BY park_id ORDER BY gap_from)
    ), numbered AS (
        SELECT *, sum(is_first) OVER (PARTITION BY park_id ORDER BY gap_from) AS span FROM marked
    )
    SELECT park_id, min(gap_from) AS gap_from, max(gap_to) AS gap_to, cause, count(DISTINCT local_date) AS days,
           sum(extract(epoch FROM gap_to - gap_from) / 60)::numeric(12, 2) AS minutes
    FROM numbered GROUP BY park_id, span, cause;
COMMENT ON VIEW parks.gap_spans IS 'One row a park and gap, however many days it lasted; minutes are those of its opening hours.';

CREATE FUNCTION parks.freshness(at timestamptz, stale_minutes integer, frozen_minutes integer)
RETURNS TABLE (
    park_id uuid, name text, is_open boolean, last_polled_at timestamptz, last_answer_at timestamptz,
    newest_at timestamptz, state text
) LANGUAGE sql STABLE AS $$
    WITH newest AS (
        SELECT r.park_id, max(s.source_updated_at) AS newest_at
        FROM parks.live_state AS s JOIN parks.rides AS r USING (ride_id)
        GROUP BY r.park_id
    ), known AS (
        SELECT p.park_id, p.name, asked.polled_at AS last_polled_at, answered.polled_at AS last_answer_at, n.newest_at,
               EXISTS (SELECT FROM parks.opening_hours AS h
                       WHERE h.park_id = p.park_id AND h.kind = 'OPERATING' AND at >= h.opens_at AND at < h.closes_at
                         AND h.local_date BETWEEN (at - interval '2 days')::date AND (at + interval '2 days')::date
                      ) AS is_open,
               coalesce(answered.polled_at < at - make_interval(mins => stale_minutes), true) AS is_stale
        FROM parks.parks AS p
        LEFT JOIN LATERAL (SELECT polled_at FROM parks.live_poll WHERE destination_id = p.destination_id AND polled_at <= at
                           ORDER BY polled_at DESC LIMIT 1) AS asked ON true
        LEFT JOIN LATERAL (SELECT polled_at FROM parks.live_poll WHERE destination_id = p.destination_id AND polled_at <= at
                           AND is_answered ORDER BY polled_at DESC LIMIT 1) AS answered ON true
        LEFT JOIN newest AS n ON n.park_id = p.park_id
    )
    SELECT park_id, name, is_open, last_polled_at, last_answer_at, newest_at,
           CASE WHEN last_polled_at IS NULL THEN 'not_collected'
                WHEN is_stale AND (is_open OR bool_and(is_stale) FILTER (WHERE last_polled_at IS NOT NULL) OVER ()) THEN 'stale'
                WHEN is_stale THEN 'closed'
                WHEN is_open AND newest_at < at - make_interval(mins => frozen_minutes) THEN 'frozen'
                ELSE 'fresh' END
    FROM known
$$;
COMMENT ON FUNCTION parks.freshness IS 'One row a park: fresh; stale (no answer for stale_minutes, and it is open or all are stale); closed (no answer, but outside its hours); frozen (answered, but nothing newer for frozen_minutes while open); not_collected. Freshness goes by our polls, not by the source''s own clock.';

-- What it takes ------------------------------------------------------------------------------------------------

CREATE TABLE parks.storage_forecast (
    made_on       date NOT NULL,
    scope         text NOT NULL,
    target_on     date NOT NULL,
    bytes_per_day bigint NOT NULL,
    days_used     integer NOT NULL,
    total_bytes   bigint NOT NULL,
    forecast_bytes bigint NOT NULL,
    actual_bytes  bigint,
    import_bytes  bigint,
    PRIMARY KEY (made_on, scope, target_on)
);
COMMENT ON TABLE parks.storage_forecast IS 'One row a day, scope and day that was forecast, with what came of it.';
COMMENT ON COLUMN parks.storage_forecast.scope IS 'database, parks (the schema), or a table with its schema.';
COMMENT ON COLUMN parks.storage_forecast.days_used IS 'Days that the growth was fitted over; days of imports are not among them.';
COMMENT ON COLUMN parks.storage_forecast.total_bytes IS 'Size on made_on.';
COMMENT ON COLUMN parks.storage_forecast.actual_bytes IS 'Size as measured on target_on; null until then.';
COMMENT ON COLUMN parks.storage_forecast.import_bytes IS 'Part of the difference that imports and dropped partitions made, which no forecast knows of.';

CREATE TABLE parks.storage_growth (
    measured_on    date NOT NULL,
    scope          text NOT NULL,
    total_bytes    bigint NOT NULL,
    bytes_per_day  bigint,
    days_used      integer NOT NULL,
    earlier_bytes_per_day bigint,
    capacity_bytes bigint,
    days_until_full integer,
    note           text NOT NULL,
    PRIMARY KEY (measured_on, scope)
);
COMMENT ON TABLE parks.storage_growth IS 'One row a day and scope: what it takes, how fast it grows (least squares without days of imports), when it is full.';
COMMENT ON COLUMN parks.storage_growth.bytes_per_day IS 'Null: not known, the note says why. Negative: it shrinks.';
COMMENT ON COLUMN parks.storage_growth.earlier_bytes_per_day IS 'The same a window before, to tell a change by.';
COMMENT ON COLUMN parks.storage_growth.days_until_full IS 'Null: never at this rate, not known, or not a thing with a capacity; the note says which.';

CREATE TABLE parks.storage_strategy (
    measured_on   date NOT NULL,
    strategy      text NOT NULL,
    title         text NOT NULL,
    today_bytes   bigint,
    in_1_year     bigint,
    in_5_years    bigint,
    note          text NOT NULL DEFAULT '',
    PRIMARY KEY (measured_on, strategy)
);
COMMENT ON TABLE parks.storage_strategy IS 'One row a day and way of keeping the history: the bytes it would take today and later; null where growth is not known.';

CREATE VIEW parks.storage_partitions AS
    SELECT p.relname::text AS table_name, c.relname::text AS partition,
           substring(pg_get_expr(c.relpartbound, c.oid) FROM 'FROM \(''([0-9-]+)')::date AS first_day,
           substring(pg_get_expr(c.relpartbound, c.oid) FROM 'TO \(''([0-9-]+)')::date AS next_day,
           greatest(c.reltuples, s.n_live_tup, 0)::bigint AS row_estimate,
           pg_table_size(c.oid) AS table_bytes, pg_indexes_size(c.oid) AS index_bytes,
           pg_total_relation_size(c.oid) AS total_bytes
    FROM pg_inherits AS i
    JOIN pg_class AS c ON c.oid = i.inhrelid
    JOIN pg_class AS p ON p.oid = i.inhparent AND p.relkind = 'p'
    LEFT JOIN pg_stat_all_tables AS s ON s.relid = c.oid
    WHERE p.relnamespace = 'parks'::regnamespace;
COMMENT ON VIEW parks.storage_partitions IS 'One row a monthly partition of the history, sizes in bytes, TOAST in the table''s; the UTC days it holds.';
