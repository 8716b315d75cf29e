-- Statements of bench/archive_import.py: what PostgreSQL can do with the same rows at all.

-- name: staging
CREATE TEMPORARY TABLE staged (
    ride_id integer NOT NULL, moment bigint NOT NULL, status parks.status NOT NULL, wait_minutes smallint,
    has_standby boolean NOT NULL
) ON COMMIT DELETE ROWS;

-- name: copy
COPY staged (ride_id, moment, status, wait_minutes, has_standby) FROM STDIN;

-- name: insert
INSERT INTO parks.ride_status_snapshots
    (ride_id, recorded_at, data_source, status, wait_minutes, has_standby, origin_id)
SELECT ride_id, timestamptz 'epoch' + moment * interval '1 millisecond', 'ARCHIVE', status, wait_minutes, has_standby, 1
FROM staged
ON CONFLICT DO NOTHING;

-- name: months
SELECT parks.ensure_snapshot_partitions(%s, %s);
