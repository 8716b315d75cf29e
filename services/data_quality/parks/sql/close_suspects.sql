-- Issues of suspect days that are no longer suspect, because their data came again.
UPDATE parks.data_quality_log AS l
SET status = 'resolved', resolved_at = now()
FROM due_day AS d
JOIN parks.quality_day AS q USING (park_id, local_date)
WHERE d.month = %(month)s AND l.status IN ('open', 'acknowledged') AND l.subject = d.park_id || ' ' || d.local_date
  AND (l.kind = 'NIGHT_WAITS' AND q.night_rows = 0
       OR l.kind = 'SUSPECT_ZERO' AND l.raw_value = 'park' AND q.zero_rows < q.wait_rows);
