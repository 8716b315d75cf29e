-- Small reads and writes of live.py and live_store.py.

-- name: lock
-- One cycle at a time whatever its date: the runner's lock is for a job and a date, and a cycle may cross midnight.
SELECT pg_try_advisory_lock(hashtext('parks.live'));

-- name: unlock
SELECT pg_advisory_unlock(hashtext('parks.live'));

-- name: close_dead_cycles
-- Cycles that were killed: nobody else can be at work, we hold the lock.
UPDATE parks.live_cycle AS cycle
SET status = CASE WHEN EXISTS (SELECT FROM parks.live_poll AS poll WHERE poll.cycle_id = cycle.cycle_id AND poll.is_answered)
                  THEN 'PARTIAL' ELSE 'FAILED' END,
    finished_at = now()
WHERE status = 'RUNNING';

-- name: last_recorded
SELECT max(recorded_at) FROM parks.live_state;

-- name: destinations
-- What is to be asked where the workflow file names none: every destination that is known.
SELECT destination_id::text AS destination_id, name FROM parks.destinations ORDER BY destination_id;

-- name: names
SELECT destination_id::text AS destination_id, name FROM parks.destinations WHERE destination_id = ANY(%(ids)s::uuid[]);

-- name: begin_cycle
INSERT INTO parks.live_cycle (run_id, started_at, asked) VALUES (%(run_id)s, %(started_at)s, %(asked)s) RETURNING cycle_id;

-- name: end_cycle
UPDATE parks.live_cycle
SET finished_at = %(finished_at)s, status = %(status)s, answered = %(answered)s, entities = %(entities)s,
    changed = %(changed)s
WHERE cycle_id = %(cycle_id)s;

-- name: write_poll
INSERT INTO parks.live_poll (cycle_id, destination_id, polled_at, is_answered, entities, newest_at, problem)
VALUES (%(cycle_id)s, %(destination_id)s, %(polled_at)s, %(is_answered)s, %(entities)s, %(newest_at)s, %(problem)s);

-- name: known_rides
-- What is known of the entities of an answer: only what is new or different is registered.
SELECT entity_id::text AS entity_id, ride_id, name, park_id::text AS park_id, internal_id, entity_type, last_seen_at
FROM parks.rides WHERE entity_id = ANY(%(ids)s::uuid[]);

-- name: register
SELECT count(*) FROM parks.register_rides(%(entities)s::jsonb);

-- name: ensure_partitions
SELECT parks.ensure_snapshot_partitions(%(first)s, %(last)s);

-- name: trim_polls
DELETE FROM parks.live_poll WHERE polled_at < now() - make_interval(days => %(days)s);

-- name: polled
SELECT destination_id::text AS destination_id FROM parks.live_poll WHERE cycle_id = %(cycle_id)s;
