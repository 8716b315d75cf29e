-- Takes away the postings of an earlier import of the object that its new content does not have any more.
DELETE FROM parks.same_instant_postings AS old
WHERE old.origin_id = %(object_id)s
  AND NOT EXISTS (
      SELECT FROM jsonb_to_recordset(%(rows)s) AS given (ride_id integer, moment bigint, status parks.status, wait smallint)
      WHERE given.ride_id = old.ride_id AND given.status = old.status
        AND old.recorded_at = timestamptz 'epoch' + given.moment * interval '1 millisecond'
        AND given.wait IS NOT DISTINCT FROM old.wait_minutes
  );
