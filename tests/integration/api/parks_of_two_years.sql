-- Two years of three rides in two parks: nine postings a day from 9 to 17 by the park's clock, that rise by the hour,
-- by the month and in the second year; every tenth day ride 3 posts nothing.
INSERT INTO parks.ride_status_snapshots
    (ride_id, recorded_at, data_source, status, wait_minutes, has_standby, origin_id)
SELECT ride.ride_id, (day + make_interval(hours => hour)) AT TIME ZONE park.timezone, 'ARCHIVE', 'OPERATING',
       ride.ride_id * 10 + hour + extract(month FROM day)::integer
           + 5 * (extract(year FROM day)::integer - 2019), true, 1
FROM parks.rides AS ride
JOIN parks.parks AS park USING (park_id)
CROSS JOIN generate_series(timestamp '2019-01-01', timestamp '2020-12-31', interval '1 day') AS day
CROSS JOIN generate_series(9, 17) AS hour
WHERE ride.ride_id <> 3 OR mod(extract(doy FROM day)::integer, 10) <> 0;
INSERT INTO parks.dirty_day (park_id, local_date)
SELECT park_id, day FROM parks.parks CROSS JOIN generate_series(date '2019-01-01', date '2020-12-31', interval '1 day') AS day;
