-- One row a queue other than STANDBY of a new snapshot; its times came as milliseconds since 1970 UTC. Reads
-- live_entry; read through parks.queue_data.
INSERT INTO parks.queue_postings
    (ride_id, recorded_at, data_source, queue_type, wait_minutes, state, return_start_at, return_end_at, price_minor,
     currency, group_start, group_end, next_allocation_at)
SELECT entry.ride_id, %(polled_at)s, 'LIVE', given.queue_type, given.wait, given.state,
       timestamptz 'epoch' + given.return_start * interval '1 millisecond',
       timestamptz 'epoch' + given.return_end * interval '1 millisecond',
       given.price, given.currency, given.group_start, given.group_end,
       timestamptz 'epoch' + given.next_allocation * interval '1 millisecond'
FROM live_entry AS entry
CROSS JOIN LATERAL jsonb_to_recordset(entry.postings) AS given
    (queue_type parks.queue_type, wait smallint, state text, return_start bigint, return_end bigint, price bigint,
     currency text, group_start integer, group_end integer, next_allocation bigint)
WHERE entry.is_written AND entry.postings IS NOT NULL
ORDER BY entry.ride_id, given.queue_type;
