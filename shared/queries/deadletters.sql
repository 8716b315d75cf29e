-- name: list_letters
SELECT dead_letter_id AS id, pipeline, source, logical_date, rows, reason, field, state, run_id, created_at
FROM ops.dead_letter
WHERE (%(pipeline)s::text IS NULL OR pipeline = %(pipeline)s)
  AND (%(source)s::text IS NULL OR source = %(source)s)
  AND (%(state)s::text IS NULL OR state = %(state)s)
  AND (%(reason)s::text IS NULL OR strpos(lower(reason), lower(%(reason)s)) > 0)
ORDER BY dead_letter_id DESC
LIMIT %(limit)s;

-- name: one_letter
SELECT * FROM ops.dead_letter WHERE dead_letter_id = %(id)s;

-- name: open_ids
-- The open letters that match, oldest first, or those of a list.
SELECT dead_letter_id, pipeline
FROM ops.dead_letter
WHERE state = 'open'
  AND (%(ids)s::bigint[] IS NULL OR dead_letter_id = ANY(%(ids)s::bigint[]))
  AND (%(pipeline)s::text IS NULL OR pipeline = %(pipeline)s)
  AND (%(source)s::text IS NULL OR source = %(source)s)
  AND (%(reason)s::text IS NULL OR strpos(lower(reason), lower(%(reason)s)) > 0)
ORDER BY pipeline, dead_letter_id;

-- name: letters
SELECT * FROM ops.dead_letter WHERE dead_letter_id = ANY(%(ids)s) ORDER BY dead_letter_id;

-- name: discard
UPDATE ops.dead_letter SET state = 'discarded', settled_by = %(settled_by)s, settled_at = now()
WHERE dead_letter_id = ANY(%(ids)s) AND state = 'open'
RETURNING dead_letter_id;
