-- Queues of an earlier answer of the very same second. Reads live_entry.
DELETE FROM parks.queue_postings AS posting
USING live_entry AS entry
WHERE posting.ride_id = entry.ride_id AND entry.is_written
  AND posting.recorded_at = %(polled_at)s::timestamptz AND posting.data_source = 'LIVE';
