-- depends: 0007.vpic-api
-- Schema parks: what theme parks posted, minute by minute, kept for ever. docs/parks.md tells how it fits together.
-- Instants are timestamptz, stored and shown in UTC; local dates and hours are those of the park's own time zone.

CREATE SCHEMA IF NOT EXISTS staging;
CREATE SCHEMA parks;
COMMENT ON SCHEMA parks IS 'Theme parks: statuses, waits and queues of every ride from the public archive and the live API, opening hours, metadata, statistics.';

CREATE TYPE parks.status AS ENUM ('OPERATING', 'DOWN', 'CLOSED', 'REFURBISHMENT', 'UNKNOWN');
CREATE TYPE parks.data_source AS ENUM ('ARCHIVE', 'LIVE');
CREATE TYPE parks.queue_type AS ENUM
    ('STANDBY', 'SINGLE_RIDER', 'RETURN_TIME', 'PAID_RETURN_TIME', 'BOARDING_GROUP', 'PAID_STANDBY');

-- Who is who ---------------------------------------------------------------------------------------------------

CREATE TABLE parks.destinations (
    destination_id uuid PRIMARY KEY,
    name           text,
    slug           text,
    external_id    text,
    is_discovered  boolean NOT NULL DEFAULT false,
    updated_at     timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE parks.destinations IS 'One row a destination (a resort with one or more parks), by the UUID of the API.';
COMMENT ON COLUMN parks.destinations.is_discovered IS 'Known from events alone so far; the metadata job has not described it.';

CREATE TABLE parks.parks (
    park_id        uuid PRIMARY KEY,
    destination_id uuid REFERENCES parks.destinations,
    name           text,
    slug           text,
    timezone       text NOT NULL DEFAULT 'UTC',
    latitude       double precision CHECK (latitude BETWEEN -90 AND 90),
    longitude      double precision CHECK (longitude BETWEEN -180 AND 180),
    is_discovered  boolean NOT NULL DEFAULT false,
    updated_at     timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE parks.parks IS 'One row a park.';
COMMENT ON COLUMN parks.parks.timezone IS 'IANA zone of today. What it was before stands in park_timezones.';
COMMENT ON COLUMN parks.parks.latitude IS 'Degrees, WGS 84; longitude likewise.';
COMMENT ON COLUMN parks.parks.is_discovered IS 'Known from events alone so far; the metadata job has not described it.';

CREATE TABLE parks.park_timezones (
    park_id    uuid NOT NULL REFERENCES parks.parks,
    valid_from timestamptz NOT NULL DEFAULT '-infinity',
    timezone   text NOT NULL,
    PRIMARY KEY (park_id, valid_from)
);
COMMENT ON TABLE parks.park_timezones IS 'One row a park and time zone it was in from an instant on, until the next row''s.';

CREATE TABLE parks.rides (
    ride_id       integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    entity_id     uuid NOT NULL UNIQUE,
    park_id       uuid REFERENCES parks.parks,
    name          text,
    folded_name   text,
    entity_type   text,
    internal_id   text,
    successor_of  integer REFERENCES parks.rides,
    is_discovered boolean NOT NULL DEFAULT false,
    first_seen_at timestamptz,
    last_seen_at  timestamptz
);
COMMENT ON TABLE parks.rides IS 'One row an entity that posts a status: attraction, show, restaurant, or a park itself, by the UUID of the API. ride_id is the short key of the history.';
COMMENT ON COLUMN parks.rides.name IS 'The name of the newest event or answer; earlier ones are in ride_history.';
COMMENT ON COLUMN parks.rides.folded_name IS 'The name for comparing: NFKD, case folded, without punctuation, symbols, accents and extra spaces.';
COMMENT ON COLUMN parks.rides.entity_type IS 'ATTRACTION, SHOW, RESTAURANT, HOTEL or PARK; null while only the archive knows it.';
COMMENT ON COLUMN parks.rides.internal_id IS 'The operator''s id, the newest; operators renumber, so it is no key.';
COMMENT ON COLUMN parks.rides.successor_of IS 'The ride that stood here before, linked by hand alone.';
CREATE INDEX rides_park ON parks.rides (park_id, folded_name);

CREATE TABLE parks.ride_history (
    ride_id       integer NOT NULL REFERENCES parks.rides,
    attribute     text NOT NULL CHECK (attribute IN ('name', 'internal_id', 'park_id')),
    value         text NOT NULL,
    first_seen_at timestamptz NOT NULL,
    last_seen_at  timestamptz NOT NULL,
    PRIMARY KEY (ride_id, attribute, value)
);
COMMENT ON TABLE parks.ride_history IS 'One row a ride and a name, operator''s id or park that it had, with the first and last instant it was seen so. Files may come in any order.';
CREATE VIEW parks.ride_names AS
    SELECT ride_id, value AS name, first_seen_at, last_seen_at FROM parks.ride_history WHERE attribute = 'name';
COMMENT ON VIEW parks.ride_names IS 'One row a ride and name, with the first and last instant it was seen under it.';

CREATE TABLE parks.ride_mapping (
    system      text NOT NULL,
    external_id text NOT NULL,
    ride_id     integer NOT NULL REFERENCES parks.rides,
    method      text NOT NULL CHECK (method IN ('uuid', 'exact', 'fuzzy', 'review', 'manual')),
    score       numeric(5, 2),
    queue_type  parks.queue_type NOT NULL DEFAULT 'STANDBY',
    batch_id    bigint NOT NULL,
    decided_by  text NOT NULL,
    decided_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (system, external_id)
);
COMMENT ON TABLE parks.ride_mapping IS 'One row a ride of another system and the ride it is here; several may be one ride.';
COMMENT ON COLUMN parks.ride_mapping.score IS 'Likeness of the folded names, 0 to 100; null where names did not decide.';
COMMENT ON COLUMN parks.ride_mapping.queue_type IS 'Which queue of the ride it is: a single-rider line is a ride of its own elsewhere.';
COMMENT ON COLUMN parks.ride_mapping.batch_id IS 'The matching that wrote it; undo takes all of a batch back.';

CREATE TABLE parks.match_batch (
    batch_id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    system     text NOT NULL,
    source     text NOT NULL,
    matched_at timestamptz NOT NULL DEFAULT now(),
    matched_by text NOT NULL,
    undone_at  timestamptz,
    replaced   jsonb NOT NULL DEFAULT '[]'
);
COMMENT ON TABLE parks.match_batch IS 'One row a matching of another system''s rides that was written down.';
COMMENT ON COLUMN parks.match_batch.replaced IS 'Mappings and reviews as they were before, so that undo can bring them back.';

CREATE TABLE parks.match_review (
    review_id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    system      text NOT NULL,
    external_id text NOT NULL,
    park_id     uuid,
    name        text NOT NULL,
    reason      text NOT NULL,
    candidates  jsonb NOT NULL DEFAULT '[]',
    state       text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'accepted', 'rejected')),
    batch_id    bigint NOT NULL,
    settled_by  text,
    settled_at  timestamptz,
    UNIQUE (system, external_id)
);
COMMENT ON TABLE parks.match_review IS 'One row a ride of another system that could not be matched for certain, with the likeliest rides and why none was taken.';

-- The history --------------------------------------------------------------------------------------------------

CREATE TABLE parks.ride_status_snapshots (
    ride_id           integer NOT NULL,
    recorded_at       timestamptz NOT NULL,
    data_source       parks.data_source NOT NULL,
    status            parks.status NOT NULL,
    wait_minutes      smallint,
    has_standby       boolean NOT NULL,
    origin_id         integer NOT NULL,
    source_updated_at timestamptz,
    PRIMARY KEY (ride_id, recorded_at, data_source)
) PARTITION BY RANGE (recorded_at);
COMMENT ON TABLE parks.ride_status_snapshots IS 'One row a ride and instant at which it posted a status, by source; kept for ever. Partitioned by UTC month of recorded_at. A posting holds until the next one of the same source.';
COMMENT ON COLUMN parks.ride_status_snapshots.recorded_at IS 'ARCHIVE: the event''s own time, milliseconds. LIVE: our clock when the answer came, whole seconds.';
COMMENT ON COLUMN parks.ride_status_snapshots.wait_minutes IS 'Posted standby wait, 0 to 600 minutes; null where none was posted or it was not usable.';
COMMENT ON COLUMN parks.ride_status_snapshots.has_standby IS 'A STANDBY queue was named, be its wait null.';
COMMENT ON COLUMN parks.ride_status_snapshots.origin_id IS 'Where it came from: archive_object.object_id (ARCHIVE) or live_cycle.cycle_id (LIVE).';
COMMENT ON COLUMN parks.ride_status_snapshots.source_updated_at IS 'LIVE: lastUpdated of the source; null for ARCHIVE, where it is recorded_at.';

CREATE TABLE parks.queue_postings (
    ride_id             integer NOT NULL,
    recorded_at         timestamptz NOT NULL,
    data_source         parks.data_source NOT NULL,
    queue_type          parks.queue_type NOT NULL CHECK (queue_type <> 'STANDBY'),
    wait_minutes        smallint,
    state               text,
    return_start_at     timestamptz,
    return_end_at       timestamptz,
    price_minor         bigint,
    currency            text,
    group_start         integer,
    group_end           integer,
    next_allocation_at  timestamptz,
    PRIMARY KEY (ride_id, recorded_at, data_source, queue_type)
) PARTITION BY RANGE (recorded_at);
COMMENT ON TABLE parks.queue_postings IS 'One row a queue other than STANDBY that a snapshot named. Read it through queue_data, which has STANDBY too.';
COMMENT ON COLUMN parks.queue_postings.state IS 'AVAILABLE, TEMP_FULL, FINISHED, PAUSED or CLOSED, as the source says.';
COMMENT ON COLUMN parks.queue_postings.price_minor IS 'Price in the currency''s smallest unit (2100 is 21.00 USD, or 2100 JPY); 0 is free, null is unknown.';
COMMENT ON COLUMN parks.queue_postings.wait_minutes IS 'Posted or estimated wait, minutes.';

CREATE TABLE parks.same_instant_postings (
    ride_id      integer NOT NULL,
    recorded_at  timestamptz NOT NULL,
    data_source  parks.data_source NOT NULL,
    status       parks.status NOT NULL,
    wait_minutes smallint,
    origin_id    integer NOT NULL,
    UNIQUE NULLS NOT DISTINCT (ride_id, recorded_at, data_source, status, wait_minutes)
);
COMMENT ON TABLE parks.same_instant_postings IS 'One row a posting of which the same file has another one, of the same ride and instant and with other content. The last one in the file is the snapshot; these stood for no time at all, but were posted: statistics count their waits.';
COMMENT ON COLUMN parks.same_instant_postings.origin_id IS 'archive_object.object_id. When an object is taken again its rows here are replaced.';
CREATE INDEX same_instant_postings_origin ON parks.same_instant_postings (origin_id);

CREATE VIEW parks.queue_data AS
    SELECT ride_id, recorded_at, data_source, 'STANDBY'::parks.queue_type AS queue_type, wait_minutes,
           NULL::text AS state, NULL::timestamptz AS return_start_at, NULL::timestamptz AS return_end_at,
           NULL::bigint AS price_minor, NULL::text AS currency, NULL::integer AS group_start,
           NULL::integer AS group_end, NULL::timestamptz AS next_allocation_at
    FROM parks.ride_status_snapshots WHERE has_standby
    UNION ALL
    SELECT ride_id, recorded_at, data_source, queue_type, wait_minutes, state, return_start_at, return_end_at,
           price_minor, currency, group_start, group_end, next_allocation_at
    FROM parks.queue_postings;
COMMENT ON VIEW parks.queue_data IS 'One row a queue of a snapshot, all six types. STANDBY lives in the snapshot itself: nearly every event has it and nothing else.';

CREATE TABLE parks.snapshot_extras (
    ride_id     integer NOT NULL,
    recorded_at timestamptz NOT NULL,
    data_source parks.data_source NOT NULL,
    showtimes   jsonb,
    unknown     jsonb,
    PRIMARY KEY (ride_id, recorded_at, data_source)
) PARTITION BY RANGE (recorded_at);
COMMENT ON TABLE parks.snapshot_extras IS 'One row a snapshot that came with showtimes, or with queues of a type nobody knows; both as they came.';

CREATE FUNCTION parks.ensure_snapshot_partitions(first_day date, last_day date) RETURNS integer
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
            CONTINUE WHEN to_regclass('parks.' || partition_name) IS NOT NULL;
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
COMMENT ON FUNCTION parks.ensure_snapshot_partitions(date, date) IS 'Make the monthly partitions of the history between two UTC days; return how many were new. There is no default partition: it would block attaching.';
