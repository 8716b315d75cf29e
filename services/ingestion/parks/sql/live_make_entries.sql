-- One row an entity of the answer being written. Temporary: a cycle keeps it between destinations, each transaction
-- leaves it empty. Read by the other live_*.sql.
CREATE TEMPORARY TABLE IF NOT EXISTS live_entry (
    ride_id           integer PRIMARY KEY,
    entity_id         uuid NOT NULL,
    park_id           uuid,
    status            parks.status NOT NULL,
    wait_minutes      smallint,
    has_standby       boolean NOT NULL,
    fingerprint       text NOT NULL,
    source_updated_at timestamptz,
    postings          jsonb,
    showtimes         jsonb,
    unknown           jsonb,
    is_written        boolean NOT NULL
) ON COMMIT DELETE ROWS;
