-- An issue for every gap of the parks looked at that is not noted as it is now. One gap is one issue however many
-- days it lasts. Reads parks.gap_spans, writes parks.data_quality_log.
SELECT parks.log_issue(
    'GAP', CASE WHEN s.cause = 'closed' THEN 'info' ELSE 'warning' END,
    format('%%s %%s', s.park_id, to_char(s.gap_from AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI"Z"')), s.cause,
    format('%%s: nothing for %%s minutes of %%s (%%s)', coalesce(p.name, s.park_id::text),
           to_char(round(s.minutes), 'FM999,999,990'),
           CASE WHEN s.days = 1 THEN 'one day' ELSE s.days || ' days' END, replace(s.cause, '_', ' ')),
    s.park_id, new_gap_from => s.gap_from, new_gap_to => s.gap_to)
FROM parks.gap_spans AS s
JOIN parks.parks AS p USING (park_id)
WHERE s.park_id IN (SELECT park_id FROM due_day)
  AND NOT EXISTS (
      SELECT FROM parks.data_quality_log AS l
      WHERE l.kind = 'GAP' AND l.park_id = s.park_id AND l.raw_value = s.cause AND l.status <> 'resolved'
        AND l.gap_from = s.gap_from AND l.gap_to = s.gap_to);
