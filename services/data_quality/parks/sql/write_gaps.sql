-- One row a park and stretch without a posting of any of its rides, with its cause, into parks.gap. A stretch is
-- looked for within the published OPERATING hours that fall on the day; where it publishes none of the day but
-- some before and after it, the day is closed by schedule, and where its hours are not known, only a day silent as a
-- whole counts. Sources that post changes alone are silent for long in a quiet ride: it takes all of the park,
-- for `gaps_minutes` minutes. Where we poll, a poll answered at least every `gaps_poll_minutes` minutes is
-- expected too. Reads day_posting, the hours, parks.live_poll and the ledger parks.archive_object.
WITH due AS (
    SELECT d.*, least(d.ends_at, %(now)s) AS until,
        -- a season's closure may be long; without hours on both sides the schedule is not known to reach the day
        EXISTS (SELECT FROM parks.opening_hours AS h
                WHERE h.park_id = d.park_id AND h.kind = 'OPERATING'
                  AND h.local_date BETWEEN d.local_date - 200 AND d.local_date - 1)
        AND EXISTS (SELECT FROM parks.opening_hours AS h
                    WHERE h.park_id = d.park_id AND h.kind = 'OPERATING'
                      AND h.local_date BETWEEN d.local_date + 1 AND d.local_date + 200) AS has_schedule
    FROM due_day AS d
    WHERE d.month = %(month)s
),
stretches AS (
    SELECT
        d.park_id, d.destination_id, d.local_date, d.collected_from IS NOT NULL AS is_collected, 'open' AS kind,
        greatest(h.opens_at, d.starts_at, d.collected_from) AS first_at, least(h.closes_at, d.until) AS last_at
    FROM due AS d
    JOIN parks.opening_hours AS h
        ON h.park_id = d.park_id AND h.kind = 'OPERATING' AND h.local_date BETWEEN d.local_date - 1 AND d.local_date
        AND h.opens_at < d.until AND h.closes_at > d.starts_at
    UNION
    SELECT
        d.park_id, d.destination_id, d.local_date, d.collected_from IS NOT NULL AS is_collected,
        CASE WHEN d.has_schedule THEN 'closed' ELSE 'unknown' END,
        greatest(d.starts_at, d.collected_from), d.until
    FROM due AS d
    WHERE d.ends_at <= %(now)s AND NOT EXISTS (
        SELECT FROM parks.opening_hours AS h
        WHERE h.park_id = d.park_id AND h.kind = 'OPERATING' AND h.local_date BETWEEN d.local_date - 1 AND d.local_date
          AND h.opens_at < d.ends_at AND h.closes_at > d.starts_at)
),
postings AS (
    SELECT DISTINCT s.park_id, s.destination_id, s.local_date, s.is_collected, s.kind, s.first_at, s.last_at, p.recorded_at
    FROM stretches AS s
    JOIN day_posting AS p
        ON p.park_id = s.park_id AND p.local_date = s.local_date AND p.recorded_at >= s.first_at AND p.recorded_at < s.last_at
    UNION
    SELECT park_id, destination_id, local_date, is_collected, kind, first_at, last_at, first_at FROM stretches
),
silences AS (
    SELECT *, recorded_at AS gap_from, lead(recorded_at, 1, last_at) OVER w AS gap_to
    FROM postings
    WINDOW w AS (PARTITION BY park_id, local_date, first_at ORDER BY recorded_at)
),
silent AS (
    SELECT park_id, destination_id, local_date, is_collected, kind, gap_from, gap_to,
           gap_from = first_at AND gap_to = last_at AS is_whole
    FROM silences
    WHERE CASE WHEN kind = 'open' THEN gap_to - gap_from >= make_interval(mins => %(gaps_minutes)s)
               ELSE gap_from = first_at AND gap_to = last_at END
      -- a posting at the very start of the stretch is no silence of all of it
      AND NOT (kind <> 'open' AND EXISTS (
          SELECT FROM day_posting AS p
          WHERE p.park_id = silences.park_id AND p.local_date = silences.local_date AND p.recorded_at = gap_from))
),
answers AS (
    SELECT s.park_id, s.destination_id, s.local_date, s.kind, s.first_at, s.last_at, l.polled_at
    FROM stretches AS s
    JOIN parks.live_poll AS l ON l.destination_id = s.destination_id AND l.is_answered
        AND l.polled_at >= s.first_at AND l.polled_at < s.last_at
    WHERE s.is_collected AND s.kind <> 'closed'
    UNION
    SELECT park_id, destination_id, local_date, kind, first_at, last_at, first_at
    FROM stretches WHERE is_collected AND kind <> 'closed'
),
waits AS (
    SELECT *, polled_at AS gap_from, lead(polled_at, 1, last_at) OVER w AS gap_to
    FROM answers
    WINDOW w AS (PARTITION BY park_id, local_date, first_at ORDER BY polled_at)
),
unpolled AS (
    SELECT
        w.park_id, w.local_date, w.gap_from, w.gap_to, w.gap_from = w.first_at AND w.gap_to = w.last_at AS is_whole,
        CASE WHEN EXISTS (SELECT FROM parks.live_poll AS l
                          WHERE l.destination_id = w.destination_id AND NOT l.is_answered
                            AND l.polled_at >= w.gap_from AND l.polled_at < w.gap_to)
             THEN 'no_answer' ELSE 'not_polled' END AS cause
    FROM waits AS w
    WHERE w.gap_to - w.gap_from > make_interval(mins => %(gaps_poll_minutes)s)
      AND NOT EXISTS (  -- what the archive has of it is no gap
          SELECT FROM day_posting AS p
          WHERE p.park_id = w.park_id AND p.local_date = w.local_date AND p.data_source = 'ARCHIVE'
            AND p.recorded_at >= w.gap_from AND p.recorded_at < w.gap_to)
),
caused AS (
    SELECT
        s.*,
        CASE
            WHEN s.kind = 'closed' THEN 'closed'
            -- where we poll, what is left without the time that we heard nothing in is the source's
            WHEN s.is_collected AND extract(epoch FROM s.gap_to - s.gap_from) / 60 - coalesce((
                SELECT sum(extract(epoch FROM least(u.gap_to, s.gap_to) - greatest(u.gap_from, s.gap_from))) / 60
                FROM unpolled AS u
                WHERE u.park_id = s.park_id AND u.gap_from < s.gap_to AND u.gap_to > s.gap_from), 0) >= %(gaps_minutes)s
                THEN 'source_silent'
            WHEN s.is_collected THEN NULL
            WHEN EXISTS (SELECT FROM parks.archive_object AS o
                         WHERE o.destination_id = s.destination_id AND o.status = 'IMPORTED'
                           AND o.file_date BETWEEN (s.gap_from AT TIME ZONE 'UTC')::date
                                               AND ((s.gap_to - interval '1 second') AT TIME ZONE 'UTC')::date)
                THEN 'source_silent'
            ELSE 'no_object'
        END AS cause
    FROM silent AS s
)
INSERT INTO parks.gap (park_id, local_date, gap_from, gap_to, cause, is_whole)
SELECT DISTINCT ON (park_id, gap_from) park_id, local_date, gap_from, gap_to, cause, is_whole
FROM (
    SELECT park_id, local_date, gap_from, gap_to, cause, is_whole FROM caused WHERE cause IS NOT NULL AND gap_to > gap_from
    UNION ALL
    SELECT park_id, local_date, gap_from, gap_to, cause, is_whole FROM unpolled
) AS found
ORDER BY park_id, gap_from, gap_to DESC
ON CONFLICT (park_id, gap_from) DO UPDATE SET
    local_date = excluded.local_date, gap_to = excluded.gap_to, cause = excluded.cause, is_whole = excluded.is_whole;
