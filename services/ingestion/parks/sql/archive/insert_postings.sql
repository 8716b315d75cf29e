-- One row a queue other than STANDBY of a snapshot that this object has the say over. Read through parks.queue_data.
INSERT INTO parks.queue_postings
    (ride_id, recorded_at, data_source, queue_type, wait_minutes, state, return_start_at, return_end_at, price_minor,
     currency, group_start, group_end, next_allocation_at)
SELECT given.ride_id, known.recorded_at, 'ARCHIVE', given.queue_type, given.wait, given.state,
       timestamptz 'epoch' + given.return_start * interval '1 millisecond',
       timestamptz 'epoch' + given.return_end * interval '1 millisecond',
       given.price, given.currency, given.group_start, given.group_end,
       timestamptz 'epoch' + given.next_allocation * interval '1 millisecond'
FROM jsonb_to_recordset(%(rows)s) AS given
    (ride_id integer, moment bigint, queue_type parks.queue_type, wait smallint, state text, return_start bigint,
     return_end bigint, price bigint, currency text, group_start integer, group_end integer, next_allocation bigint)
JOIN parks.ride_status_snapshots AS known
  ON known.ride_id = given.ride_id AND known.data_source = 'ARCHIVE' AND known.origin_id = %(object_id)s
 AND known.recorded_at = timestamptz 'epoch' + given.moment * interval '1 millisecond'
WHERE known.recorded_at BETWEEN timestamptz 'epoch' + %(first)s * interval '1 millisecond'
                            AND timestamptz 'epoch' + %(last)s * interval '1 millisecond'
ORDER BY given.ride_id, given.moment, given.queue_type;
