-- Reads and writes of identity_store.py.

-- name: rides
-- One row a ride, with every name it ever had.
SELECT r.ride_id, r.entity_id::text AS entity_id, r.park_id::text AS park_id, r.name, r.entity_type,
       array_agg(DISTINCT n.name) FILTER (WHERE n.name IS NOT NULL) AS names
FROM parks.rides AS r
LEFT JOIN parks.ride_names AS n USING (ride_id)
GROUP BY r.ride_id
ORDER BY r.ride_id;

-- name: parks
SELECT park_id::text AS park_id, name, slug FROM parks.parks ORDER BY park_id;

-- name: decided
-- What people decided about rides of the system: it stays, whatever names say.
SELECT external_id, 'mapped' AS decision FROM parks.ride_mapping
WHERE system = %(system)s AND method IN ('manual', 'review')
UNION
SELECT external_id, 'rejected' FROM parks.match_review WHERE system = %(system)s AND state = 'rejected';

-- name: lock_system
-- Two matchings of one system never write at once.
SELECT pg_advisory_xact_lock(hashtext('parks.match:' || %(system)s));

-- name: new_batch
INSERT INTO parks.match_batch (system, source, matched_by) VALUES (%(system)s, %(source)s, %(actor)s)
RETURNING batch_id;

-- name: take_out
-- Mappings that the batch is about to replace, as they were; read into match_batch.replaced.
WITH gone AS (
    DELETE FROM parks.ride_mapping WHERE system = %(system)s AND external_id = ANY(%(ids)s) RETURNING *
)
UPDATE parks.match_batch
SET replaced = replaced || (SELECT coalesce(jsonb_agg(to_jsonb(gone)), '[]') FROM gone)
WHERE batch_id = %(batch_id)s;

-- name: write_mappings
INSERT INTO parks.ride_mapping (system, external_id, ride_id, method, score, queue_type, batch_id, decided_by)
VALUES %s;

-- name: drop_reviews
-- Questions that are answered now, as they were; read into match_batch.replaced beside the mappings. A row is a
-- review where it has a review_id.
WITH gone AS (
    DELETE FROM parks.match_review WHERE system = %(system)s AND external_id = ANY(%(ids)s) RETURNING *
)
UPDATE parks.match_batch
SET replaced = replaced || (SELECT coalesce(jsonb_agg(to_jsonb(gone)), '[]') FROM gone)
WHERE batch_id = %(batch_id)s;

-- name: write_review
INSERT INTO parks.match_review AS old (system, external_id, park_id, name, reason, candidates, batch_id)
VALUES (%(system)s, %(external_id)s, %(park_id)s, %(name)s, %(reason)s, %(candidates)s, %(batch_id)s)
ON CONFLICT (system, external_id) DO UPDATE
SET park_id = excluded.park_id, name = excluded.name, reason = excluded.reason, candidates = excluded.candidates
WHERE old.state = 'open';

-- name: reject_by_hand
INSERT INTO parks.match_review (system, external_id, name, reason, state, batch_id, settled_by, settled_at)
VALUES (%(system)s, %(external_id)s, %(name)s, 'the manual file says that there is none', 'rejected', %(batch_id)s,
        %(actor)s, now())
ON CONFLICT (system, external_id) DO UPDATE
SET state = 'rejected', reason = excluded.reason, settled_by = excluded.settled_by, settled_at = now();

-- name: entities
SELECT entity_id::text AS entity_id, ride_id FROM parks.rides WHERE entity_id = ANY(%(entities)s::uuid[]);

-- name: lock_batch
SELECT batch_id, system, undone_at, replaced FROM parks.match_batch WHERE batch_id = %(batch_id)s FOR UPDATE;

-- name: undo_mappings
DELETE FROM parks.ride_mapping WHERE batch_id = %(batch_id)s;

-- name: undo_reviews
DELETE FROM parks.match_review WHERE batch_id = %(batch_id)s;

-- name: bring_back
-- Mappings and reviews as they were before the batch. What an undone batch wrote does not come back, but what was there
-- before that one does, and so on. Only for rides that nothing stands for now: a later batch or a person has decided else.
WITH RECURSIVE kept AS MATERIALIZED (
    SELECT b.batch_id, row.value AS kept_row, row.value ->> 'external_id' AS external_id,
           (row.value ->> 'batch_id')::bigint AS written_by
    FROM parks.match_batch AS b, jsonb_array_elements(b.replaced) AS row
    WHERE b.system = %(system)s AND (b.batch_id = %(batch_id)s OR b.undone_at IS NOT NULL)
), before AS (
    SELECT kept_row, external_id, written_by FROM kept WHERE batch_id = %(batch_id)s
    UNION
    SELECT k.kept_row, k.external_id, k.written_by
    FROM before AS b JOIN kept AS k ON k.batch_id = b.written_by AND k.external_id = b.external_id
), standing AS (
    SELECT external_id FROM parks.ride_mapping WHERE system = %(system)s
    UNION ALL
    SELECT external_id FROM parks.match_review WHERE system = %(system)s
), due AS (
    SELECT kept_row FROM before
    WHERE written_by NOT IN (SELECT batch_id FROM parks.match_batch WHERE undone_at IS NOT NULL)
      AND external_id NOT IN (SELECT external_id FROM standing)
), asked AS (
    INSERT INTO parks.match_review OVERRIDING SYSTEM VALUE
    SELECT old.* FROM due, jsonb_populate_record(NULL::parks.match_review, due.kept_row) AS old
    WHERE old.review_id IS NOT NULL
    ON CONFLICT (system, external_id) DO NOTHING
), mapped AS (
    INSERT INTO parks.ride_mapping
    SELECT old.* FROM due, jsonb_populate_record(NULL::parks.ride_mapping, due.kept_row) AS old
    WHERE old.ride_id IS NOT NULL
    ON CONFLICT (system, external_id) DO NOTHING
    RETURNING external_id
)
SELECT count(*) FROM mapped;

-- name: mark_undone
UPDATE parks.match_batch SET undone_at = now() WHERE batch_id = %(batch_id)s;

-- name: reviews
SELECT m.review_id, m.system, m.external_id, m.name, p.name AS park, m.reason, m.candidates, m.state, m.settled_by,
       m.settled_at
FROM parks.match_review AS m
LEFT JOIN parks.parks AS p USING (park_id)
WHERE (%(system)s::text IS NULL OR m.system = %(system)s) AND (%(state)s::text IS NULL OR m.state = %(state)s)
ORDER BY m.review_id;

-- name: lock_review
SELECT review_id, system, external_id, name, batch_id, state FROM parks.match_review
WHERE review_id = %(review_id)s FOR UPDATE;

-- name: settle_review
UPDATE parks.match_review SET state = %(state)s, settled_by = %(actor)s, settled_at = now()
WHERE review_id = %(review_id)s;

-- name: accept_mapping
INSERT INTO parks.ride_mapping (system, external_id, ride_id, method, queue_type, batch_id, decided_by)
VALUES (%(system)s, %(external_id)s, %(ride_id)s, 'review', %(queue_type)s, %(batch_id)s, %(actor)s);

-- name: find_ride
-- By the short key or the UUID.
SELECT ride_id, entity_id::text AS entity_id, name, park_id::text AS park_id FROM parks.rides
WHERE ride_id::text = %(ride)s OR entity_id::text = lower(%(ride)s);

-- name: set_successor
UPDATE parks.rides SET successor_of = %(old)s WHERE ride_id = %(new)s;

-- name: ancestors
-- The rides that stood where a ride stands, nearest first.
WITH RECURSIVE before AS (
    SELECT successor_of AS ride_id, 1 AS steps FROM parks.rides WHERE ride_id = %(ride_id)s
    UNION ALL
    SELECT r.successor_of, b.steps + 1 FROM before AS b JOIN parks.rides AS r USING (ride_id) WHERE b.steps < 100
)
SELECT ride_id FROM before WHERE ride_id IS NOT NULL ORDER BY steps;
