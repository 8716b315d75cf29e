-- name: expired_objects
-- Registered objects of a dataset that are older than their age and that nothing needs any more: the raw files
-- of the run that wrote them are all loaded, and the landing objects they came from go no earlier.
SELECT o.object_key, o.size_bytes
FROM ops.loaded_object AS o
WHERE o.dataset = %(dataset)s
  AND o.created_at < now() - make_interval(days => %(days)s)
  AND NOT EXISTS (
      SELECT FROM ops.loaded_object AS r
      WHERE r.dataset = %(raw_dataset)s AND r.created_run_id = o.created_run_id AND r.loaded_at IS NULL
  )
ORDER BY o.object_key
LIMIT %(limit)s;

-- name: kept_objects
SELECT count(*)
FROM ops.loaded_object
WHERE dataset = %(dataset)s AND created_at < now() - make_interval(days => %(days)s);

-- name: forget_objects
DELETE FROM ops.loaded_object WHERE object_key = ANY(%(keys)s);

-- name: object_folders
-- The first two folders of the keys of a dataset: landing/retailer_1/
SELECT DISTINCT split_part(object_key, '/', 1) || '/' || split_part(object_key, '/', 2) || '/' AS prefix
FROM ops.loaded_object
WHERE dataset = %(dataset)s
ORDER BY prefix;

-- name: unregistered
-- Keys that no run wrote down: the run that put them there was killed before its commit, and its successor wrote
-- its own.
SELECT key FROM unnest(%(keys)s::text[]) AS k (key)
WHERE NOT EXISTS (SELECT FROM ops.loaded_object AS o WHERE o.object_key = k.key);

-- name: old_partitions
-- Monthly partitions of the fact tables of a schema that end at or before the cutoff, with the days they hold.
SELECT
    n.nspname AS schema,
    c.relname AS partition,
    p.relname AS parent,
    b.first_day,
    b.next_day,
    pg_total_relation_size(c.oid) AS bytes,
    GREATEST(c.reltuples, 0)::bigint AS row_estimate
FROM pg_inherits AS i
JOIN pg_class AS c ON c.oid = i.inhrelid
JOIN pg_class AS p ON p.oid = i.inhparent
JOIN pg_namespace AS n ON n.oid = p.relnamespace
CROSS JOIN LATERAL (
    SELECT
        substring(pg_get_expr(c.relpartbound, c.oid) FROM 'FROM \(''([0-9-]+)''\)')::date AS first_day,
        substring(pg_get_expr(c.relpartbound, c.oid) FROM 'TO \(''([0-9-]+)''\)')::date AS next_day
) AS b
WHERE n.nspname = %(schema)s AND p.relkind = 'p' AND p.relname LIKE 'fact\_%%' AND b.next_day <= %(cutoff)s
ORDER BY b.first_day, c.relname;

-- name: forget_days
WITH voids AS (
    DELETE FROM ops.void_transaction
    WHERE pipeline = %(pipeline)s AND business_date >= %(first_day)s AND business_date < %(next_day)s
)
DELETE FROM ops.reconciliation
WHERE pipeline = %(pipeline)s AND business_date >= %(first_day)s AND business_date < %(next_day)s;
