-- One row a park and local day to look at now: the last `recent_days` days of parks that are polled, and the days
-- that objects imported since the last run speak of, with the days without an object before them. Reads the ledger
-- parks.archive_object from the mark (`marked_at`, `marked_id`) on, `objects` objects at most, up to
-- `until`: a file that is still being committed has an earlier time than its commit. Written into due_day.
WITH objects AS (
    SELECT object_id, destination_id, file_date, first_event_at, last_event_at
    FROM parks.archive_object
    WHERE status = 'IMPORTED' AND (imported_at, object_id) > (%(marked_at)s, %(marked_id)s) AND imported_at <= %(until)s
    ORDER BY imported_at, object_id
    LIMIT %(objects)s
),
spans AS (
    SELECT
        o.destination_id, o.file_date, o.first_event_at, o.last_event_at,
        -- an object may never have come for days before it; more than ten years is another era
        greatest(coalesce((SELECT max(b.file_date) FROM parks.archive_object AS b
                           WHERE b.destination_id = o.destination_id AND b.file_date < o.file_date
                             AND b.status = 'IMPORTED'), o.file_date - 1), o.file_date - 3660) AS after_date
    FROM objects AS o
),
ends AS (
    SELECT destination_id, min(file_date) AS first_date, max(file_date) + 1 AS next_date
    FROM parks.archive_object
    WHERE status = 'IMPORTED' AND destination_id IN (SELECT destination_id FROM objects)
    GROUP BY destination_id
),
asked AS (
    SELECT p.park_id, first_poll.polled_at AS first_polled_at
    FROM parks.parks AS p
    CROSS JOIN LATERAL (SELECT min(polled_at) AS polled_at FROM parks.live_poll
                        WHERE destination_id = p.destination_id) AS first_poll
),
wanted AS (
    SELECT p.park_id, day::date AS local_date, e.first_date, e.next_date
    FROM spans AS s
    JOIN parks.parks AS p USING (destination_id)
    JOIN ends AS e USING (destination_id)
    CROSS JOIN LATERAL generate_series(
        least(s.after_date, greatest((s.first_event_at AT TIME ZONE p.timezone)::date, s.file_date - 2))::timestamp,
        greatest(s.file_date, least((s.last_event_at AT TIME ZONE p.timezone)::date, s.file_date + 2))::timestamp,
        interval '1 day') AS day
    UNION
    SELECT p.park_id, (%(now)s AT TIME ZONE p.timezone)::date - number, NULL::date, NULL::date
    FROM parks.parks AS p
    JOIN asked AS a ON a.park_id = p.park_id AND a.first_polled_at IS NOT NULL
    CROSS JOIN generate_series(0, %(recent_days)s - 1) AS number
),
timed AS (
    SELECT
        p.park_id, p.destination_id, w.local_date, a.first_polled_at, w.first_date, w.next_date,
        w.local_date::timestamp AT TIME ZONE z.zone AS starts_at,
        (w.local_date + 1)::timestamp AT TIME ZONE z.zone AS ends_at
    FROM wanted AS w
    JOIN parks.parks AS p USING (park_id)
    JOIN asked AS a USING (park_id)
    CROSS JOIN LATERAL (SELECT parks.zone_at(w.park_id, w.local_date::timestamp AT TIME ZONE 'UTC') AS zone) AS z
)
INSERT INTO due_day (park_id, destination_id, local_date, starts_at, ends_at, month, collected_from)
SELECT DISTINCT ON (park_id, local_date)
    park_id, destination_id, local_date, starts_at, ends_at,
    date_trunc('month', starts_at AT TIME ZONE 'UTC')::date,
    CASE WHEN first_polled_at < ends_at THEN first_polled_at END
FROM timed
WHERE starts_at <= %(now)s
  AND (next_date IS NOT NULL OR first_polled_at < ends_at)  -- before the first poll nobody expects anything
  -- the evening of the last file's day is in the next file, which has not come; the first day's morning likewise
  AND (next_date IS NULL OR ends_at <= next_date::timestamp AT TIME ZONE 'UTC')
  AND (first_date IS NULL OR starts_at >= first_date::timestamp AT TIME ZONE 'UTC')
  -- an archive need not have every park of its destination: before a park's first posting nothing is missing
  AND (next_date IS NULL OR EXISTS (SELECT FROM parks.rides AS r
                                    WHERE r.park_id = timed.park_id AND r.first_seen_at < timed.ends_at))
ORDER BY park_id, local_date;
