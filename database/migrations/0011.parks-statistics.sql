-- depends: 0010.parks-sources
-- Schema parks: statistics of hours and days in the parks' own time zones. docs/decisions/parks-statistics.md says what counts.

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
