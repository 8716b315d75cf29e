-- Small statements of statistics.py.

-- name: is_marked
SELECT EXISTS (SELECT FROM parks.dirty_day);

-- name: lock
-- One batch at a time, whichever run it belongs to.
SELECT pg_advisory_xact_lock(hashtext('parks.statistics'));

-- name: set_session
-- Work tables make estimates too high: compiling would cost more than it saves.
SET LOCAL work_mem = '64MB'; SET LOCAL jit = off;

-- name: analyze
-- Work tables have no statistics of their own before.
ANALYZE stats_day, stats_piece, stats_span, stats_cell;

-- name: analyze_parts
ANALYZE stats_part;

-- name: bounds
-- The stretch of time of the batch: with constants the planner leaves the other months out.
SELECT count(*) AS days, min(starts_at) AS first_at, max(ends_at) AS last_at FROM stats_piece;

-- name: take_marks
-- A day that was marked again meanwhile keeps its mark: what came then was perhaps not read. Locked in the order in
-- which importers mark, so that the two wait for each other, and never both.
WITH seen AS (
    SELECT dirty.park_id, dirty.local_date
    FROM parks.dirty_day AS dirty
    JOIN stats_day AS day
      ON day.park_id = dirty.park_id AND day.local_date = dirty.local_date AND day.marked_at = dirty.marked_at
    ORDER BY dirty.park_id, dirty.local_date
    FOR UPDATE OF dirty
)
DELETE FROM parks.dirty_day AS dirty
USING seen
WHERE dirty.park_id = seen.park_id AND dirty.local_date = seen.local_date;

-- name: note_refresh
UPDATE parks.stats_refresh SET refreshed_at = clock_timestamp();

-- name: mark_all
-- In the order of the keys, as everybody marks.
INSERT INTO parks.dirty_day (park_id, local_date)
SELECT DISTINCT park_id, local_date FROM parks.ride_daily_stats
ORDER BY 1, 2
ON CONFLICT (park_id, local_date) DO UPDATE SET marked_at = clock_timestamp();

-- name: counts
SELECT (SELECT count(*) FROM stats_day) AS days, (SELECT count(*) FROM stats_stand WHERE is_posted) AS snapshots;
