-- The work tables of one run of parks_quality: the days to look at, and what was posted in one UTC month of them.
CREATE TEMPORARY TABLE due_day (
    park_id uuid, destination_id uuid, local_date date, starts_at timestamptz, ends_at timestamptz, month date,
    collected_from timestamptz, PRIMARY KEY (park_id, local_date)
);
CREATE TEMPORARY TABLE day_posting (
    park_id uuid, local_date date, ends_at timestamptz, ride_id integer, recorded_at timestamptz,
    data_source parks.data_source, status parks.status, wait_minutes smallint, has_standby boolean
) ON COMMIT DELETE ROWS;
