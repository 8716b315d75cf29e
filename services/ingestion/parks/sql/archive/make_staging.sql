-- One row a snapshot of the object being imported. Temporary: a worker keeps it between objects, each transaction
-- leaves it empty. Read by insert_snapshots, find_conflicts, take_over and take_postings.
CREATE TEMPORARY TABLE IF NOT EXISTS staged_snapshot (
    ride_id      integer NOT NULL,
    moment       bigint NOT NULL,
    status       parks.status NOT NULL,
    wait_minutes smallint,
    has_standby  boolean NOT NULL
) ON COMMIT DELETE ROWS;
