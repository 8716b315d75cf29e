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
COMMENT ON COLUMN parks.match_batch.replaced IS 'Mappings as they were before, so that undo can bring them back.';

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

-- Where it came from -------------------------------------------------------------------------------------------

CREATE TABLE parks.import_checkpoints (
    import_id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source         text NOT NULL,
    destination_id uuid NOT NULL,
    first_date     date,
    last_date      date,
    status         text NOT NULL DEFAULT 'PENDING'
                   CHECK (status IN ('PENDING', 'IN_PROGRESS', 'PAUSED', 'COMPLETED', 'FAILED', 'CANCELLED')),
    wanted         text CHECK (wanted IN ('pause', 'cancel')),
    files_total    integer,
    bytes_total    bigint,
    files_done     integer NOT NULL DEFAULT 0,
    files_failed   integer NOT NULL DEFAULT 0,
    bytes_done     bigint NOT NULL DEFAULT 0,
    events         bigint NOT NULL DEFAULT 0,
    imported       bigint NOT NULL DEFAULT 0,
    duplicates     bigint NOT NULL DEFAULT 0,
    rejected       bigint NOT NULL DEFAULT 0,
    forced         boolean NOT NULL DEFAULT false,
    requested_by   text NOT NULL,
    problem        text,
    created_at     timestamptz NOT NULL DEFAULT now(),
    started_at     timestamptz,
    updated_at     timestamptz NOT NULL DEFAULT now(),
    finished_at    timestamptz
);
COMMENT ON TABLE parks.import_checkpoints IS 'One row an import of a destination''s archive in a range of file dates. The range is part of its identity: another range is another import.';
COMMENT ON COLUMN parks.import_checkpoints.source IS 'Bucket or folder, e.g. s3://archive.themeparks.wiki. Empty: asked for over the API, and not begun; the archive that the importer is set to.';
COMMENT ON COLUMN parks.import_checkpoints.first_date IS 'First file date, null for all there are; last_date likewise. A file''s date is not the date of its events.';
COMMENT ON COLUMN parks.import_checkpoints.wanted IS 'What somebody asked of it; it does so at the next file boundary.';
COMMENT ON COLUMN parks.import_checkpoints.events IS 'Events in the files done: imported + duplicates + rejected.';

CREATE FUNCTION parks.check_import_status() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (OLD.status, NEW.status) NOT IN (
        ('PENDING', 'IN_PROGRESS'), ('PENDING', 'PAUSED'), ('PENDING', 'FAILED'), ('PENDING', 'CANCELLED'),
        ('IN_PROGRESS', 'PAUSED'), ('IN_PROGRESS', 'COMPLETED'), ('IN_PROGRESS', 'FAILED'), ('IN_PROGRESS', 'CANCELLED'),
        ('PAUSED', 'PENDING'), ('PAUSED', 'IN_PROGRESS'), ('PAUSED', 'CANCELLED'),
        ('FAILED', 'PENDING'), ('FAILED', 'IN_PROGRESS'), ('FAILED', 'CANCELLED'))
    THEN
        RAISE EXCEPTION 'an import that is % cannot become %', OLD.status, NEW.status USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION parks.check_import_status IS 'Which state of an import may follow which, whoever writes it.';
CREATE TRIGGER import_status BEFORE UPDATE OF status ON parks.import_checkpoints
    FOR EACH ROW WHEN (OLD.status <> NEW.status) EXECUTE FUNCTION parks.check_import_status();

CREATE TABLE parks.archive_object (
    object_id      integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source         text NOT NULL,
    object_key     text NOT NULL,
    destination_id uuid NOT NULL,
    file_date      date NOT NULL,
    size_bytes     bigint NOT NULL,
    etag           text NOT NULL,
    status         text NOT NULL DEFAULT 'LISTED' CHECK (status IN ('LISTED', 'IMPORTED', 'FAILED')),
    imported_etag  text,
    import_id      bigint REFERENCES parks.import_checkpoints,
    format         text,
    events         integer NOT NULL DEFAULT 0,
    imported       integer NOT NULL DEFAULT 0,
    duplicates     integer NOT NULL DEFAULT 0,
    conflicts      integer NOT NULL DEFAULT 0,
    rejected       integer NOT NULL DEFAULT 0,
    first_event_at timestamptz,
    last_event_at  timestamptz,
    problem        text,
    imported_at    timestamptz,
    UNIQUE (source, object_key),
    CONSTRAINT nothing_lost CHECK (events = imported + duplicates + rejected)
);
COMMENT ON TABLE parks.archive_object IS 'The ledger of the archive: one row an object, written in the transaction that wrote its rows. Every event became a snapshot, a duplicate or a reject.';
COMMENT ON COLUMN parks.archive_object.etag IS 'As listed last; differs from imported_etag when the object has changed since.';
COMMENT ON COLUMN parks.archive_object.conflicts IS 'Of the duplicates: those with another content than the snapshot of the same ride and instant.';
COMMENT ON COLUMN parks.archive_object.format IS 'How it was packed: zlib, gzip or plain.';
CREATE INDEX archive_object_dates ON parks.archive_object (destination_id, file_date);

CREATE TABLE parks.live_cycle (
    cycle_id      integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run_id        bigint,
    started_at    timestamptz NOT NULL DEFAULT now(),
    finished_at   timestamptz,
    status        text NOT NULL DEFAULT 'RUNNING' CHECK (status IN ('RUNNING', 'COMPLETE', 'PARTIAL', 'FAILED')),
    asked         integer NOT NULL DEFAULT 0,
    answered      integer NOT NULL DEFAULT 0,
    entities      integer NOT NULL DEFAULT 0,
    changed       integer NOT NULL DEFAULT 0
);
COMMENT ON TABLE parks.live_cycle IS 'One row a round of the live API. asked, answered: destinations; entities: entries in the answers; changed: snapshots written.';

CREATE TABLE parks.live_poll (
    cycle_id       integer NOT NULL REFERENCES parks.live_cycle,
    destination_id uuid NOT NULL,
    polled_at      timestamptz NOT NULL,
    is_answered    boolean NOT NULL,
    entities       integer NOT NULL DEFAULT 0,
    newest_at      timestamptz,
    problem        text,
    PRIMARY KEY (cycle_id, destination_id)
);
COMMENT ON TABLE parks.live_poll IS 'One row a destination that a cycle asked, answered or not: it tells a gap of ours from one of the source.';
COMMENT ON COLUMN parks.live_poll.newest_at IS 'The newest lastUpdated in the answer.';
CREATE INDEX live_poll_destination ON parks.live_poll (destination_id, polled_at DESC);

CREATE TABLE parks.live_state (
    ride_id           integer PRIMARY KEY REFERENCES parks.rides,
    status            parks.status NOT NULL,
    wait_minutes      smallint,
    fingerprint       text NOT NULL,
    source_updated_at timestamptz,
    recorded_at       timestamptz NOT NULL,
    last_polled_at    timestamptz NOT NULL,
    is_present        boolean NOT NULL DEFAULT true
);
COMMENT ON TABLE parks.live_state IS 'One row a ride that the live API has named: its last snapshot, and when the source was last heard on it. Absent from an answer is a state of its own, not CLOSED.';
COMMENT ON COLUMN parks.live_state.fingerprint IS 'What was posted, in short: the same again is no new snapshot until an hour has passed.';
COMMENT ON COLUMN parks.live_state.last_polled_at IS 'The last answer that covered the ride''s destination: freshness goes by this, not by the source''s own time.';

CREATE TABLE parks.opening_hours (
    park_id     uuid NOT NULL REFERENCES parks.parks,
    local_date  date NOT NULL,
    kind        text NOT NULL,
    opens_at    timestamptz NOT NULL,
    closes_at   timestamptz NOT NULL,
    description text NOT NULL DEFAULT '',
    source      text NOT NULL,
    fetched_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (park_id, local_date, kind, opens_at),
    CHECK (closes_at >= opens_at)
);
COMMENT ON TABLE parks.opening_hours IS 'One row a park, local date and stretch of published hours; closing after midnight belongs to the date it opened on.';
COMMENT ON COLUMN parks.opening_hours.kind IS 'OPERATING, TICKETED_EVENT, PRIVATE_EVENT, EXTRA_HOURS or INFO, as the API says. Statistics count OPERATING.';

CREATE TABLE parks.entity_metadata (
    ride_id                     integer NOT NULL REFERENCES parks.rides,
    valid_from                  timestamptz NOT NULL,
    valid_to                    timestamptz,
    latitude                    double precision CHECK (latitude BETWEEN -90 AND 90),
    longitude                   double precision CHECK (longitude BETWEEN -180 AND 180),
    min_height_cm               smallint,
    min_height_unaccompanied_cm smallint,
    max_height_cm               smallint,
    entity_type                 text,
    attraction_type             text,
    is_indoor                   boolean,
    tags                        jsonb NOT NULL DEFAULT '[]',
    attributes                  jsonb NOT NULL DEFAULT '{}',
    completeness                numeric(5, 2) NOT NULL,
    fingerprint                 text NOT NULL,
    PRIMARY KEY (ride_id, valid_from)
);
COMMENT ON TABLE parks.entity_metadata IS 'One row a version of what is known of a ride (slowly changing dimension, type 2). A new version where anything changed, also where something was removed; valid_to null is today''s.';
COMMENT ON COLUMN parks.entity_metadata.is_indoor IS 'From the maintained CSV file alone: the API has nothing on it. Null: not known.';
COMMENT ON COLUMN parks.entity_metadata.completeness IS 'Share of the describing fields that are known, in percent.';
CREATE UNIQUE INDEX entity_metadata_current ON parks.entity_metadata (ride_id) WHERE valid_to IS NULL;
CREATE INDEX entity_metadata_place ON parks.entity_metadata USING gist (point(longitude, latitude)) WHERE valid_to IS NULL;

CREATE TABLE parks.indoor_list (
    entity_id uuid PRIMARY KEY,
    is_indoor boolean NOT NULL,
    note      text
);
COMMENT ON TABLE parks.indoor_list IS 'One row a ride of the maintained CSV file that says whether it is indoors.';

-- What was odd -------------------------------------------------------------------------------------------------

CREATE TABLE parks.data_quality_log (
    issue_id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind          text NOT NULL,
    severity      text NOT NULL CHECK (severity IN ('info', 'warning', 'critical')),
    subject       text NOT NULL,
    raw_value     text NOT NULL DEFAULT '',
    park_id       uuid,
    ride_id       integer,
    import_id     bigint,
    gap_from      timestamptz,
    gap_to        timestamptz,
    message       text NOT NULL,
    times_seen    bigint NOT NULL DEFAULT 1,
    first_seen_at timestamptz NOT NULL DEFAULT now(),
    last_seen_at  timestamptz NOT NULL DEFAULT now(),
    status        text NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'acknowledged', 'resolved', 'ignored')),
    owner         text,
    notes         text,
    resolved_at   timestamptz,
    UNIQUE (kind, subject, raw_value)
);
COMMENT ON TABLE parks.data_quality_log IS 'One row an oddity: of a file, an event, a ride''s day, a stretch of silence. Repeats are counted in it. People give it a status, an owner and notes.';
COMMENT ON COLUMN parks.data_quality_log.kind IS 'What is wrong, e.g. FILE_UNREADABLE, INVALID_WAIT, UNKNOWN_STATUS, CONFLICT, GAP, STALE, SUSPECT_ZERO.';
COMMENT ON COLUMN parks.data_quality_log.subject IS 'Where: the object key, the entity, or park and local date.';
COMMENT ON COLUMN parks.data_quality_log.raw_value IS 'The value as it came, at most 200 characters.';
CREATE INDEX data_quality_log_open ON parks.data_quality_log (last_seen_at DESC) WHERE status IN ('open', 'acknowledged');

CREATE FUNCTION parks.log_issue(
    new_kind text, new_severity text, new_subject text, new_raw_value text, new_message text,
    new_park_id uuid DEFAULT NULL, new_ride_id integer DEFAULT NULL, new_import_id bigint DEFAULT NULL, seen bigint DEFAULT 1,
    new_gap_from timestamptz DEFAULT NULL, new_gap_to timestamptz DEFAULT NULL
) RETURNS void LANGUAGE sql AS $$
    INSERT INTO parks.data_quality_log AS log
        (kind, severity, subject, raw_value, message, park_id, ride_id, import_id, times_seen, gap_from, gap_to)
    VALUES (new_kind, new_severity, new_subject, left(coalesce(new_raw_value, ''), 200), new_message,
            new_park_id, new_ride_id, new_import_id, seen, new_gap_from, new_gap_to)
    ON CONFLICT (kind, subject, raw_value) DO UPDATE
    SET times_seen = log.times_seen + excluded.times_seen, last_seen_at = now(), message = excluded.message,
        import_id = coalesce(excluded.import_id, log.import_id),
        gap_from = coalesce(excluded.gap_from, log.gap_from), gap_to = coalesce(excluded.gap_to, log.gap_to),
        status = CASE WHEN log.status = 'resolved' THEN 'open' ELSE log.status END,
        resolved_at = CASE WHEN log.status = 'resolved' THEN NULL ELSE log.resolved_at END
$$;
COMMENT ON FUNCTION parks.log_issue IS 'Note an oddity, or count it where it is known already; one that was resolved opens again, one that is ignored stays so.';

CREATE TYPE parks.given_ride AS (
    entity_id uuid, park_id uuid, park_slug text, destination_id uuid, timezone text, name text, folded_name text,
    entity_type text, internal_id text, first_seen_at timestamptz, last_seen_at timestamptz
);
COMMENT ON TYPE parks.given_ride IS 'An element of what parks.register_rides takes.';

CREATE FUNCTION parks.register_rides(entities jsonb) RETURNS TABLE (entity_id uuid, ride_id integer)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    given_rides parks.given_ride[];
    known_rides integer[];
BEGIN
    given_rides := ARRAY(SELECT given FROM jsonb_populate_recordset(NULL::parks.given_ride, entities) AS given);

    IF EXISTS (SELECT FROM unnest(given_rides) AS given
               WHERE NOT EXISTS (SELECT FROM parks.rides AS known WHERE known.entity_id = given.entity_id)
                  OR (given.park_id IS NOT NULL
                      AND NOT EXISTS (SELECT FROM parks.park_timezones AS known WHERE known.park_id = given.park_id)))
    THEN
        -- in the order of their keys everywhere: two writers at once then wait for each other, and never both
        INSERT INTO parks.destinations (destination_id, is_discovered)
        SELECT DISTINCT destination_id, true FROM unnest(given_rides) WHERE destination_id IS NOT NULL
        ORDER BY destination_id
        ON CONFLICT DO NOTHING;
        INSERT INTO parks.parks (park_id, destination_id, slug, timezone, is_discovered)
        SELECT DISTINCT ON (park_id) park_id, destination_id, park_slug,
               coalesce((SELECT name FROM pg_timezone_names WHERE name = given.timezone), 'UTC'), true
        FROM unnest(given_rides) AS given
        WHERE park_id IS NOT NULL  -- of new parks alone: the list of time zones is slow to read
          AND NOT EXISTS (SELECT FROM parks.parks AS known WHERE known.park_id = given.park_id)
        ORDER BY park_id, destination_id, park_slug
        ON CONFLICT DO NOTHING;
        INSERT INTO parks.park_timezones (park_id, timezone)
        SELECT p.park_id, p.timezone FROM parks.parks AS p
        WHERE p.park_id IN (SELECT park_id FROM unnest(given_rides))
          AND NOT EXISTS (SELECT FROM parks.park_timezones AS z WHERE z.park_id = p.park_id)
        ORDER BY p.park_id
        ON CONFLICT DO NOTHING;
        INSERT INTO parks.rides
            (entity_id, park_id, name, folded_name, entity_type, internal_id, is_discovered, first_seen_at, last_seen_at)
        SELECT entity_id, park_id, name, folded_name, entity_type, internal_id, true, first_seen_at, last_seen_at
        FROM unnest(given_rides) AS given
        -- an insert that meets its like uses up a number each time, and there are but two billion of them
        WHERE NOT EXISTS (SELECT FROM parks.rides AS known WHERE known.entity_id = given.entity_id)
        ORDER BY entity_id
        ON CONFLICT DO NOTHING;
    END IF;

    known_rides := ARRAY(
        SELECT ride_id FROM parks.rides WHERE entity_id IN (SELECT given.entity_id FROM unnest(given_rides) AS given)
        ORDER BY entity_id FOR NO KEY UPDATE);
    UPDATE parks.rides AS ride SET
        park_id = CASE WHEN given.last_seen_at >= ride.last_seen_at OR ride.park_id IS NULL
                       THEN coalesce(given.park_id, ride.park_id) ELSE ride.park_id END,
        name = CASE WHEN given.last_seen_at >= ride.last_seen_at OR ride.name IS NULL
                    THEN coalesce(given.name, ride.name) ELSE ride.name END,
        folded_name = CASE WHEN given.last_seen_at >= ride.last_seen_at OR ride.name IS NULL
                           THEN coalesce(given.folded_name, ride.folded_name) ELSE ride.folded_name END,
        internal_id = CASE WHEN given.last_seen_at >= ride.last_seen_at OR ride.internal_id IS NULL
                           THEN coalesce(given.internal_id, ride.internal_id) ELSE ride.internal_id END,
        entity_type = coalesce(given.entity_type, ride.entity_type),
        first_seen_at = least(ride.first_seen_at, given.first_seen_at),
        last_seen_at = greatest(ride.last_seen_at, given.last_seen_at)
    FROM unnest(given_rides) AS given
    WHERE ride.entity_id = given.entity_id AND ride.ride_id = ANY(known_rides)
      AND (given.last_seen_at >= ride.last_seen_at OR given.first_seen_at < ride.first_seen_at
           OR ride.last_seen_at IS NULL OR ride.park_id IS NULL OR ride.name IS NULL OR ride.internal_id IS NULL
           OR given.entity_type IS DISTINCT FROM ride.entity_type);

    INSERT INTO parks.ride_history AS history (ride_id, attribute, value, first_seen_at, last_seen_at)
    SELECT ride.ride_id, pair.attribute, pair.value, given.first_seen_at, given.last_seen_at
    FROM unnest(given_rides) AS given
    JOIN parks.rides AS ride ON ride.entity_id = given.entity_id
    CROSS JOIN LATERAL (VALUES ('name', given.name), ('internal_id', given.internal_id),
                               ('park_id', given.park_id::text)) AS pair (attribute, value)
    WHERE pair.value IS NOT NULL
    ORDER BY ride.ride_id, pair.attribute, pair.value
    ON CONFLICT (ride_id, attribute, value) DO UPDATE SET
        first_seen_at = least(history.first_seen_at, excluded.first_seen_at),
        last_seen_at = greatest(history.last_seen_at, excluded.last_seen_at)
    WHERE history.first_seen_at > excluded.first_seen_at OR history.last_seen_at < excluded.last_seen_at;

    RETURN QUERY SELECT ride.entity_id, ride.ride_id FROM parks.rides AS ride WHERE ride.ride_id = ANY(known_rides);
END
$$;
COMMENT ON FUNCTION parks.register_rides IS 'Make the rides, parks and destinations of a JSON list known where they are not, widen their histories, and return the short keys. One element a ride, with the fields of parks.given_ride; an entity that went by two names in a file is registered once for each.';

CREATE FUNCTION parks.zone_at(of_park uuid, instant timestamptz) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT coalesce((SELECT timezone FROM parks.park_timezones WHERE park_id = of_park AND valid_from <= instant
                     ORDER BY valid_from DESC LIMIT 1), 'UTC')
$$;
COMMENT ON FUNCTION parks.zone_at IS 'The IANA zone that a park was in at an instant.';

-- Statistics ---------------------------------------------------------------------------------------------------

CREATE FUNCTION parks.day_pieces(of_park uuid, day date)
RETURNS TABLE (timezone text, starts_at timestamptz, ends_at timestamptz) LANGUAGE sql STABLE ROWS 1 AS $$
    -- a zone without a row is UTC; where midnight comes twice the day begins with the first one
    WITH zone AS (
        SELECT z.timezone, z.valid_from, lead(z.valid_from, 1, 'infinity') OVER (ORDER BY z.valid_from) AS valid_to
        FROM (SELECT timezone, valid_from FROM parks.park_timezones WHERE park_id = of_park
              UNION ALL
              SELECT 'UTC', '-infinity' WHERE NOT EXISTS (
                  SELECT FROM parks.park_timezones WHERE park_id = of_park AND valid_from = '-infinity')) AS z
    ), midnight AS (
        SELECT zone.*, number, (day + number)::timestamp AT TIME ZONE zone.timezone AS later
        FROM zone CROSS JOIN (VALUES (0), (1)) AS offsets (number)
    ), bound AS (
        SELECT timezone, valid_from, valid_to, number,
               CASE WHEN ((later - interval '1 hour') AT TIME ZONE timezone)::date = day + number
                    THEN later - interval '1 hour' ELSE later END AS at
        FROM midnight
    )
    SELECT first.timezone, greatest(first.at, first.valid_from), least(last.at, last.valid_to)
    FROM bound AS first JOIN bound AS last USING (valid_from)
    WHERE first.number = 0 AND last.number = 1
      AND greatest(first.at, first.valid_from) < least(last.at, last.valid_to)
$$;
COMMENT ON FUNCTION parks.day_pieces IS 'The stretch of time that is a local day of a park, 23 to 25 hours; two stretches on a day on which the park changed its zone.';

CREATE TABLE parks.dirty_day (
    park_id    uuid NOT NULL,
    local_date date NOT NULL,
    marked_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (park_id, local_date)
);
COMMENT ON TABLE parks.dirty_day IS 'One row a park and local day whose snapshots or hours changed after its statistics were made; written with the change, deleted with the statistics.';

CREATE TABLE parks.ride_hourly_stats (
    ride_id           integer NOT NULL,
    hour_start        timestamptz NOT NULL,
    park_id           uuid NOT NULL,
    entity_id         uuid NOT NULL,
    local_date        date NOT NULL,
    local_hour        smallint NOT NULL,
    samples           integer NOT NULL,
    min_wait          smallint,
    mean_wait         numeric(8, 4),
    p50_wait          numeric(6, 2),
    p90_wait          numeric(6, 2),
    max_wait          smallint,
    operating_minutes numeric(6, 2) NOT NULL,
    down_minutes      numeric(6, 2) NOT NULL,
    open_minutes      numeric(6, 2) NOT NULL,
    covered_share     numeric(5, 4),
    wait_sum          bigint NOT NULL,
    data_source       parks.data_source NOT NULL,
    PRIMARY KEY (ride_id, hour_start)
);
COMMENT ON TABLE parks.ride_hourly_stats IS 'One row a ride and hour with snapshots, or with published minutes in which one from before still stood (samples 0 then). The two hours of the same name at the end of summer time are two rows: hour_start is an instant.';
COMMENT ON COLUMN parks.ride_hourly_stats.local_hour IS 'Hour of the park''s clock, 0 to 23. What the other columns mean: see ride_daily_stats.';
CREATE INDEX ride_hourly_stats_park ON parks.ride_hourly_stats (park_id, local_date);

CREATE TABLE parks.ride_daily_stats (
    ride_id           integer NOT NULL,
    local_date        date NOT NULL,
    park_id           uuid NOT NULL,
    entity_id         uuid NOT NULL,
    samples           integer NOT NULL,
    min_wait          smallint,
    mean_wait         numeric(8, 4),
    p50_wait          numeric(6, 2),
    p90_wait          numeric(6, 2),
    max_wait          smallint,
    operating_minutes numeric(8, 2) NOT NULL,
    down_minutes      numeric(8, 2) NOT NULL,
    open_minutes      numeric(8, 2) NOT NULL,
    covered_share     numeric(5, 4),
    wait_sum          bigint NOT NULL,
    data_source       parks.data_source NOT NULL,
    PRIMARY KEY (ride_id, local_date)
);
COMMENT ON TABLE parks.ride_daily_stats IS 'One row a ride and calendar day of its park''s time zone with snapshots.';
COMMENT ON COLUMN parks.ride_daily_stats.samples IS 'Posted standby waits: snapshots with a wait. min, mean and max are over these.';
COMMENT ON COLUMN parks.ride_daily_stats.p50_wait IS 'The wait that was not exceeded for half of the minutes in which one stood; p90_wait likewise. Only minutes inside the published hours count where the park published any.';
COMMENT ON COLUMN parks.ride_daily_stats.data_source IS 'The one source that the day was made of.';
COMMENT ON COLUMN parks.ride_daily_stats.open_minutes IS 'Minutes of published OPERATING hours of the park that day.';
COMMENT ON COLUMN parks.ride_daily_stats.operating_minutes IS 'Minutes OPERATING inside the published hours; down_minutes likewise.';
COMMENT ON COLUMN parks.ride_daily_stats.covered_share IS 'Share of the published minutes in which the status is known; null where no hours are published.';
COMMENT ON COLUMN parks.ride_daily_stats.wait_sum IS 'Sum of the posted waits: with samples it gives the mean of any longer period.';
CREATE INDEX ride_daily_stats_park ON parks.ride_daily_stats (park_id, local_date);

CREATE TABLE parks.park_daily_stats (
    park_id           uuid NOT NULL,
    local_date        date NOT NULL,
    rides             integer NOT NULL,
    samples           bigint NOT NULL,
    min_wait          smallint,
    mean_wait         numeric(8, 4),
    p50_wait          numeric(6, 2),
    p90_wait          numeric(6, 2),
    max_wait          smallint,
    operating_minutes numeric(10, 2) NOT NULL,
    down_minutes      numeric(10, 2) NOT NULL,
    open_minutes      numeric(8, 2) NOT NULL,
    covered_share     numeric(5, 4),
    wait_sum          bigint NOT NULL,
    PRIMARY KEY (park_id, local_date)
);
COMMENT ON TABLE parks.park_daily_stats IS 'One row a park and local day: all its rides that posted a wait, together.';
COMMENT ON COLUMN parks.park_daily_stats.operating_minutes IS 'Summed over rides; down_minutes likewise. open_minutes is the park''s own.';

CREATE TABLE parks.park_hourly_stats (
    park_id    uuid NOT NULL,
    hour_start timestamptz NOT NULL,
    local_date date NOT NULL,
    local_hour smallint NOT NULL,
    rides      integer NOT NULL,
    samples    bigint NOT NULL,
    min_wait   smallint NOT NULL,
    mean_wait  numeric(8, 4) NOT NULL,
    max_wait   smallint NOT NULL,
    wait_sum   bigint NOT NULL,
    PRIMARY KEY (park_id, hour_start)
);
COMMENT ON TABLE parks.park_hourly_stats IS 'One row a park and hour in which a ride of it posted a wait: all such rides together. hour_start is an instant, local_date and local_hour are the park''s.';
CREATE INDEX park_hourly_stats_day ON parks.park_hourly_stats (local_date, park_id);

CREATE VIEW parks.ride_operating_days AS
    SELECT hour.ride_id, hour.entity_id, hour.park_id, coalesce(before.local_date, hour.local_date) AS operating_date,
           sum(hour.samples) AS samples, min(hour.min_wait) AS min_wait,
           round(sum(hour.wait_sum) / nullif(sum(hour.samples), 0), 4) AS mean_wait, max(hour.max_wait) AS max_wait,
           sum(hour.operating_minutes) AS operating_minutes, sum(hour.down_minutes) AS down_minutes,
           sum(hour.open_minutes) AS open_minutes
    FROM parks.ride_hourly_stats AS hour
    LEFT JOIN LATERAL (
        SELECT published.local_date FROM parks.opening_hours AS published
        WHERE published.park_id = hour.park_id AND published.local_date = hour.local_date - 1
          AND published.kind <> 'INFO' AND published.closes_at > hour.hour_start AND published.opens_at <= hour.hour_start
        LIMIT 1
    ) AS before ON true
    GROUP BY hour.ride_id, hour.entity_id, hour.park_id, coalesce(before.local_date, hour.local_date);
COMMENT ON VIEW parks.ride_operating_days IS 'One row a ride and day by the date on which the park opened: hours past midnight that the park published for the evening before belong to that. Made of ride_hourly_stats, so whole hours move.';

CREATE TABLE parks.stats_refresh (
    is_only      boolean PRIMARY KEY DEFAULT true CHECK (is_only),
    refreshed_at timestamptz NOT NULL
);
COMMENT ON TABLE parks.stats_refresh IS 'The one row that says when statistics were written last; answers of the API hold until then.';
INSERT INTO parks.stats_refresh (refreshed_at) VALUES (now());

-- How good it is -----------------------------------------------------------------------------------------------

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
