-- One row a park and local day whose snapshots changed: from the stretches (milliseconds since 1970 UTC) in which
-- this object has rows of a ride. Read by the statistics, which rebuild those days. Rides without a park have none.
INSERT INTO parks.dirty_day AS dirty (park_id, local_date)
SELECT DISTINCT stretch.park_id, day::date
FROM (
    SELECT ride.park_id,
           (timestamptz 'epoch' + given.first * interval '1 millisecond') AS begins,
           (timestamptz 'epoch' + given.last * interval '1 millisecond') AS ends
    FROM unnest(%(rides)s::integer[], %(firsts)s::bigint[], %(lasts)s::bigint[]) AS given (ride_id, first, last)
    JOIN parks.rides AS ride USING (ride_id)
    WHERE ride.park_id IS NOT NULL
) AS stretch
CROSS JOIN LATERAL generate_series(
    (begins AT TIME ZONE parks.zone_at(park_id, begins))::date::timestamp,
    (ends AT TIME ZONE parks.zone_at(park_id, ends))::date::timestamp, interval '1 day') AS day
ORDER BY 1, 2
ON CONFLICT (park_id, local_date) DO UPDATE SET marked_at = clock_timestamp();
