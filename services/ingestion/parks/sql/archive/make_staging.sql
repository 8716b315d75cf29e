-- One row a snapshot of an object of which the history has some already. Temporary: a worker keeps it between objects,
-- each transaction leaves it empty. Read by find_conflicts, take_over, clear_postings and clear_extras.
CREATE TEMPORARY TABLE IF NOT EXISTS staged_snapshot (
    ride_id      integer NOT NULL,
    moment       bigint NOT NULL,
    status       parks.status NOT NULL,
    wait_minutes smallint,
    has_standby  boolean NOT NULL
) ON COMMIT DELETE ROWS;
