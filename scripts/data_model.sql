-- What docs/data-model.md shows, read from the catalogue by scripts/generate_data_model.py. One row a thing named.

-- name: schemas
SELECT nspname AS schema, obj_description(oid, 'pg_namespace') AS comment
FROM pg_namespace
WHERE nspname !~ '^pg_' AND nspname NOT IN ('information_schema', 'public')
ORDER BY nspname;

-- name: relations
-- Tables and views; partitions are left out, they are as their parent.
SELECT n.nspname AS schema, c.relname AS relation, obj_description(c.oid, 'pg_class') AS comment,
       CASE WHEN c.relkind = 'm' THEN 'materialized view' WHEN c.relkind = 'v' THEN 'view'
            WHEN c.relkind = 'p' THEN 'table, partitioned by ' || pg_get_partkeydef(c.oid)
            WHEN c.relpersistence = 'u' THEN 'unlogged table' ELSE 'table' END AS kind
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'm', 'v') AND NOT c.relispartition
  AND nspname !~ '^pg_' AND nspname NOT IN ('information_schema', 'public')
ORDER BY 1, c.relkind IN ('m', 'v'), 2;

-- name: columns
SELECT n.nspname AS schema, c.relname AS relation, a.attname AS name,
       CASE format_type(a.atttypid, a.atttypmod) WHEN 'timestamp with time zone' THEN 'timestamptz'
            ELSE format_type(a.atttypid, a.atttypmod) END AS type,
       concat_ws(', ', CASE WHEN a.attnotnull THEN 'not null' END,
                       CASE WHEN a.attidentity <> '' THEN 'counted up' END,
                       'default `' || pg_get_expr(d.adbin, d.adrelid) || '`') AS rule,
       col_description(c.oid, a.attnum) AS comment
FROM pg_attribute AS a
JOIN pg_class AS c ON c.oid = a.attrelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE c.relkind IN ('r', 'p', 'm', 'v') AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY 1, 2, a.attnum;

-- name: constraints
-- Not null is shown with the columns.
SELECT n.nspname AS schema, c.relname AS relation,
       CASE k.contype WHEN 'p' THEN 'primary key' WHEN 'u' THEN 'unique' WHEN 'f' THEN 'foreign key'
                      WHEN 'c' THEN 'check' ELSE 'exclusion' END AS kind,
       -- pretty: without the parentheses that nobody wrote
       regexp_replace(pg_get_constraintdef(k.oid, true), '^(PRIMARY KEY|UNIQUE|FOREIGN KEY|CHECK) ', '') AS definition
FROM pg_constraint AS k
JOIN pg_class AS c ON c.oid = k.conrelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE k.contype IN ('p', 'u', 'f', 'c', 'x')
ORDER BY 1, 2, position(k.contype IN 'pufcx'), k.conname;

-- name: indexes
-- Those that no constraint brings.
SELECT n.nspname AS schema, c.relname AS relation,
       CASE WHEN i.indisunique THEN 'unique index' ELSE 'index' END AS kind,
       x.relname || ' ' || substring(pg_get_indexdef(i.indexrelid) FROM ' USING (.*)$') AS definition
FROM pg_index AS i
JOIN pg_class AS c ON c.oid = i.indrelid
JOIN pg_class AS x ON x.oid = i.indexrelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE NOT EXISTS (SELECT FROM pg_constraint AS k WHERE k.conindid = i.indexrelid)
ORDER BY 1, 2, x.relname;

-- name: functions
SELECT n.nspname AS schema,
       format('%s.%s(%s) -> %s', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid), p.prorettype::regtype) AS signature,
       obj_description(p.oid, 'pg_proc') AS comment
FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace
WHERE n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'public')
ORDER BY 1, p.proname;
