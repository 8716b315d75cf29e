-- Work tables of one batch. They live in the session and are empty again after each transaction.
CREATE TEMPORARY TABLE IF NOT EXISTS stats_day (       -- a park and local day of the batch
    park_id uuid, local_date date, marked_at timestamptz, data_source parks.data_source,
    PRIMARY KEY (park_id, local_date)
) ON COMMIT DELETE ROWS;
CREATE TEMPORARY TABLE IF NOT EXISTS stats_piece (     -- a stretch of time of such a day, nearly always all of it
    piece_id integer PRIMARY KEY, park_id uuid, local_date date, timezone text, starts_at timestamptz,
    ends_at timestamptz, first_hour timestamptz, data_source parks.data_source, has_hours boolean
) ON COMMIT DELETE ROWS;
CREATE TEMPORARY TABLE IF NOT EXISTS stats_span (      -- published hours near a piece, overlapping ones merged
    piece_id integer, is_operating boolean, opens_at timestamptz, closes_at timestamptz
) ON COMMIT DELETE ROWS;
CREATE TEMPORARY TABLE IF NOT EXISTS stats_cell (      -- a piece cut at full hours, openings and closings
    piece_id integer, hour_start timestamptz, starts_at timestamptz, ends_at timestamptz,
    is_published boolean, is_weighed boolean
) ON COMMIT DELETE ROWS;
CREATE TEMPORARY TABLE IF NOT EXISTS stats_stand (     -- a posting and the stretch in which it stood
    piece_id integer, ride_id integer, starts_at timestamptz, ends_at timestamptz, status parks.status,
    wait_minutes smallint, is_posted boolean
) ON COMMIT DELETE ROWS;
CREATE TEMPORARY TABLE IF NOT EXISTS stats_part (      -- a ride, hour and wait: how often posted, how long it stood
    park_id uuid, local_date date, ride_id integer, hour_start timestamptz, wait_minutes smallint,
    snapshots integer, weighed_ms bigint, operating_ms bigint, down_ms bigint, known_ms bigint
) ON COMMIT DELETE ROWS;
