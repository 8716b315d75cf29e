-- name: columns
-- The columns of a table, view or materialized view, in their order.
SELECT n.nspname AS schema, c.relname AS relation, a.attname AS name, t.typcategory AS category,
       COALESCE(b.typname, t.typname) IN ('int2', 'int4', 'int8', 'numeric', 'float4', 'float8') AS is_number
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_type AS t ON t.oid = a.atttypid
LEFT JOIN pg_type AS b ON b.oid = t.typbasetype
WHERE c.oid = to_regclass(%(table)s) AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
ORDER BY a.attnum;

-- name: write_profiles
INSERT INTO ops.column_profile
    (table_name, column_name, run_id, row_count, null_count, distinct_count, min_value, max_value, mean_value, top_values)
VALUES %s;
