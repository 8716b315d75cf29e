-- One row a posting that gave way to a later one of its ride and instant in the same object. Read by the statistics.
INSERT INTO parks.same_instant_postings (ride_id, recorded_at, data_source, status, wait_minutes, origin_id)
SELECT DISTINCT given.ride_id, timestamptz 'epoch' + given.moment * interval '1 millisecond', 'ARCHIVE'::parks.data_source,
       given.status, given.wait, %(object_id)s::integer
FROM jsonb_to_recordset(%(rows)s) AS given (ride_id integer, moment bigint, status parks.status, wait smallint)
ORDER BY 1, 2, 4, 5
ON CONFLICT DO NOTHING;
