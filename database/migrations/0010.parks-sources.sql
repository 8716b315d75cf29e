-- depends: 0009.new-months
-- Schema parks: where its history comes from - the archive and its ledger, the live API, hours, metadata - and what was odd
-- about it, with the functions by which both make rides known and note oddities.

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
    parks_before uuid[];
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

    SELECT array_agg(ride_id), array_agg(park_id) INTO known_rides, parks_before
    FROM (SELECT ride_id, park_id FROM parks.rides
          WHERE entity_id IN (SELECT given.entity_id FROM unnest(given_rides) AS given)
          ORDER BY entity_id FOR NO KEY UPDATE) AS locked;
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

    IF EXISTS (SELECT FROM unnest(known_rides, parks_before) AS before (ride_id, park_id)
               JOIN parks.rides AS ride USING (ride_id) WHERE ride.park_id IS DISTINCT FROM before.park_id)
    THEN
        -- what the ride posted so far counts in its new park from now on, and no longer in the old one: every local day
        -- of both, from the first to the last snapshot of each UTC day
        INSERT INTO parks.dirty_day AS dirty (park_id, local_date)
        SELECT DISTINCT side.park_id, day::date
        FROM unnest(known_rides, parks_before) AS before (ride_id, park_id)
        JOIN parks.rides AS ride ON ride.ride_id = before.ride_id AND ride.park_id IS DISTINCT FROM before.park_id
        CROSS JOIN LATERAL (
            SELECT min(recorded_at) AS begins, max(recorded_at) AS ends FROM parks.ride_status_snapshots
            WHERE ride_id = ride.ride_id GROUP BY (recorded_at AT TIME ZONE 'UTC')::date
        ) AS stretch
        CROSS JOIN LATERAL (VALUES (before.park_id), (ride.park_id)) AS side (park_id)
        CROSS JOIN LATERAL generate_series(
            (begins AT TIME ZONE parks.zone_at(side.park_id, begins))::date::timestamp,
            (ends AT TIME ZONE parks.zone_at(side.park_id, ends))::date::timestamp, interval '1 day') AS day
        WHERE side.park_id IS NOT NULL
        ORDER BY 1, 2
        ON CONFLICT (park_id, local_date) DO UPDATE SET marked_at = clock_timestamp();
    END IF;

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
COMMENT ON FUNCTION parks.register_rides IS 'Make the rides, parks and destinations of a JSON list known where they are not, widen their histories, mark the days of rides whose park changed, and return the short keys. One element a ride, with the fields of parks.given_ride; an entity that went by two names in a file is registered once for each.';

CREATE FUNCTION parks.zone_at(of_park uuid, instant timestamptz) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT coalesce((SELECT timezone FROM parks.park_timezones WHERE park_id = of_park AND valid_from <= instant
                     ORDER BY valid_from DESC LIMIT 1), 'UTC')
$$;
COMMENT ON FUNCTION parks.zone_at IS 'The IANA zone that a park was in at an instant.';
