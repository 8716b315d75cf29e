-- One row a snapshot of an object of which the history has some already. Read by find_conflicts, take_over,
-- clear_postings and clear_extras.
INSERT INTO staged_snapshot (ride_id, moment, status, wait_minutes, has_standby)
SELECT *
FROM unnest(%(rides)s::integer[], %(moments)s::bigint[], %(statuses)s::parks.status[], %(waits)s::smallint[],
            %(standbys)s::boolean[]);
