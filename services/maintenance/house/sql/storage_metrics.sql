-- One row is a table or materialized view and today, its partitions summed under it, sizes in bytes; TOAST counts
-- as table. Reads the catalog, writes ops.storage_metrics; read by the storage projection and the console.
WITH relations AS (
    SELECT
        COALESCE(pg_partition_root(c.oid), c.oid::regclass) AS root,
        c.oid,
        c.relispartition,
        GREATEST(c.reltuples, COALESCE(s.n_live_tup, 0), 0)::bigint AS row_estimate,
        pg_table_size(c.oid) AS table_bytes,
        pg_indexes_size(c.oid) AS index_bytes
    FROM pg_class AS c
    JOIN pg_namespace AS n ON n.oid = c.relnamespace
    LEFT JOIN pg_stat_all_tables AS s ON s.relid = c.oid
    WHERE c.relkind IN ('r', 'p', 'm')
      AND n.nspname NOT IN ('pg_catalog', 'information_schema')
      AND n.nspname NOT LIKE 'pg\_%%'
)
INSERT INTO ops.storage_metrics
    (measured_on, relation, partitions, row_estimate, table_bytes, index_bytes, total_bytes)
SELECT
    current_date,
    format('%%s.%%s', n.nspname, c.relname),
    count(*) FILTER (WHERE r.relispartition),
    COALESCE(sum(r.row_estimate) FILTER (WHERE p.relkind <> 'p'), 0),
    sum(r.table_bytes),
    sum(r.index_bytes),
    sum(r.table_bytes + r.index_bytes)
FROM relations AS r
JOIN pg_class AS p ON p.oid = r.oid
JOIN pg_class AS c ON c.oid = r.root
JOIN pg_namespace AS n ON n.oid = c.relnamespace
GROUP BY n.nspname, c.relname
ON CONFLICT (measured_on, relation) DO UPDATE SET
    partitions = EXCLUDED.partitions, row_estimate = EXCLUDED.row_estimate, table_bytes = EXCLUDED.table_bytes,
    index_bytes = EXCLUDED.index_bytes, total_bytes = EXCLUDED.total_bytes;
