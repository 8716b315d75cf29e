-- The history that bench/parks_yoy.py asks: 42 rides in two parks of two zones, a posting every ten minutes from 9 to
-- 21 by the park's clock (72 a ride and day), a tenth of them DOWN without a wait.

-- name: places
INSERT INTO parks.parks (park_id, name, timezone)
VALUES ('00000000-0000-0000-0000-000000000001', 'One', 'America/New_York'),
       ('00000000-0000-0000-0000-000000000002', 'Two', 'Europe/Paris');
INSERT INTO parks.park_timezones (park_id, timezone) SELECT park_id, timezone FROM parks.parks;
INSERT INTO parks.rides (entity_id, park_id, name, entity_type)
SELECT ('00000000-0000-0000-0001-' || lpad(number::text, 12, '0'))::uuid,
       ('00000000-0000-0000-0000-00000000000' || 1 + number %% 2)::uuid, 'Ride ' || number, 'ATTRACTION'
FROM generate_series(1, %(rides)s) AS number
ORDER BY number;
INSERT INTO parks.opening_hours (park_id, local_date, kind, opens_at, closes_at, source)
SELECT park_id, day::date, 'OPERATING', (day + interval '9 hours') AT TIME ZONE timezone,
       (day + interval '21 hours') AT TIME ZONE timezone, 'bench'
FROM parks.parks CROSS JOIN generate_series(%(first)s::timestamp, %(last)s::timestamp, interval '1 day') AS day;
INSERT INTO parks.dirty_day (park_id, local_date) SELECT park_id, local_date FROM parks.opening_hours;
SELECT parks.ensure_snapshot_partitions(%(first)s::date, %(last)s::date + 1);

-- name: history
INSERT INTO parks.ride_status_snapshots
    (ride_id, recorded_at, data_source, status, wait_minutes, has_standby, origin_id)
SELECT ride_id, (day + interval '9 hours' + posting * interval '10 minutes') AT TIME ZONE timezone, 'ARCHIVE',
       CASE WHEN is_down THEN 'DOWN' ELSE 'OPERATING' END::parks.status,
       CASE WHEN NOT is_down THEN 5 * (1 + (ride_id * 7 + posting * 13 + extract(doy FROM day)::integer * 3) %% 24) END,
       true, 1
FROM parks.rides
JOIN parks.parks USING (park_id)
CROSS JOIN generate_series(%(first)s::timestamp, %(last)s::timestamp, interval '1 day') AS day
CROSS JOIN generate_series(0, 71) AS posting
CROSS JOIN LATERAL (SELECT (ride_id + posting + extract(day FROM day)::integer) %% 10 = 0 AS is_down) AS state
ORDER BY day, posting, ride_id;
