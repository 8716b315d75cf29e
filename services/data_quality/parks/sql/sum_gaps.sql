-- The unexplained gap minutes of the due days of one month, into parks.quality_day.
UPDATE parks.quality_day AS q
SET gap_minutes = coalesce((
    SELECT sum(extract(epoch FROM g.gap_to - g.gap_from)) / 60 FROM parks.gap AS g
    WHERE g.park_id = q.park_id AND g.local_date = q.local_date AND g.cause <> 'closed'), 0)
FROM due_day AS d
WHERE d.month = %(month)s AND q.park_id = d.park_id AND q.local_date = d.local_date;
