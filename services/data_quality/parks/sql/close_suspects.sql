-- Issues of suspect days that are no longer suspect, because their data came again, of months without a wait at night
-- any more, and of single rides whose newest day with waits has one above 0. Reads parks.quality_day for the due days,
-- day_posting for single rides. Nights were an issue a day once: those end where their month has its own.
WITH newest AS (
    SELECT DISTINCT ON (ride_id) ride_id, max(wait_minutes) AS longest_wait, ends_at
    FROM day_posting
    WHERE status = 'OPERATING' AND wait_minutes IS NOT NULL
    GROUP BY ride_id, local_date, ends_at
    ORDER BY ride_id, local_date DESC
),
over_now AS (
    SELECT l.issue_id
    FROM due_day AS d
    JOIN parks.quality_day AS q USING (park_id, local_date)
    JOIN parks.data_quality_log AS l ON l.subject = d.park_id || ' ' || d.local_date
    WHERE d.month = %(month)s AND l.kind = 'SUSPECT_ZERO' AND l.raw_value = 'park' AND q.zero_rows < q.wait_rows
    UNION
    SELECT l.issue_id
    FROM (SELECT DISTINCT park_id, date_trunc('month', local_date::timestamp)::date AS first_day
          FROM due_day WHERE month = %(month)s) AS m
    JOIN parks.data_quality_log AS l
        ON l.kind = 'NIGHT_WAITS' AND l.subject = m.park_id || ' ' || to_char(m.first_day, 'YYYY-MM')
    WHERE NOT EXISTS (SELECT FROM parks.quality_day AS q
                      WHERE q.park_id = m.park_id AND q.local_date >= m.first_day
                        AND q.local_date < m.first_day + interval '1 month' AND q.night_rows > 0)
    UNION
    SELECT day.issue_id
    FROM parks.data_quality_log AS day
    JOIN parks.data_quality_log AS month ON month.kind = day.kind AND month.subject = left(day.subject, -3)
    WHERE day.kind = 'NIGHT_WAITS' AND day.status IN ('open', 'acknowledged')
    UNION
    SELECT l.issue_id
    FROM newest AS n
    JOIN parks.data_quality_log AS l ON l.ride_id = n.ride_id
    WHERE l.kind = 'SUSPECT_ZERO' AND l.raw_value = 'ride' AND l.status IN ('open', 'acknowledged') AND n.longest_wait > 0
      AND NOT EXISTS (  -- a day of another month, or one that is not due
          SELECT FROM parks.ride_status_snapshots AS s
          WHERE s.ride_id = n.ride_id AND s.recorded_at >= n.ends_at AND s.status = 'OPERATING'
            AND s.wait_minutes IS NOT NULL)
)
UPDATE parks.data_quality_log
SET status = 'resolved', resolved_at = now()
WHERE status IN ('open', 'acknowledged') AND issue_id IN (SELECT issue_id FROM over_now);
