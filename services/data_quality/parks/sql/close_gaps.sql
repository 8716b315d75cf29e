-- Issues of gaps of the parks looked at that are no more, because data came or the cause is another.
UPDATE parks.data_quality_log AS l
SET status = 'resolved', resolved_at = now()
WHERE l.kind = 'GAP' AND l.status IN ('open', 'acknowledged') AND l.park_id IN (SELECT park_id FROM due_day)
  AND NOT EXISTS (SELECT FROM parks.gap_spans AS s
                  WHERE s.park_id = l.park_id AND s.cause = l.raw_value AND s.gap_from = l.gap_from AND s.gap_to = l.gap_to);
