-- One row today and way of keeping the history into parks.storage_strategy. Reads parks.storage_partitions (bytes a
-- month), parks.storage_growth of today (how fast raw tables and the rest grow) and the ledger (what an event takes
-- as an object). In n years the months of today have aged by n years, and n years of growth came on top.
WITH raw AS (
    SELECT next_day, total_bytes, row_estimate FROM parks.storage_partitions
),
sums AS (
    SELECT coalesce(sum(total_bytes), 0)::numeric AS raw_bytes, coalesce(sum(row_estimate), 0)::numeric AS raw_rows FROM raw
),
growth AS (
    SELECT
        max(total_bytes) FILTER (WHERE scope = 'parks')::numeric - (SELECT raw_bytes FROM sums) AS rest,
        sum(bytes_per_day) FILTER (WHERE scope <> 'parks')::numeric AS raw_day,
        bool_and(bytes_per_day IS NOT NULL) AS is_known,
        max(bytes_per_day) FILTER (WHERE scope = 'parks')::numeric AS parks_day
    FROM parks.storage_growth
    WHERE measured_on = %(today)s AND scope <> 'database'
),
objects AS (
    SELECT sum(size_bytes)::numeric / nullif(sum(events), 0) AS event_bytes FROM parks.archive_object WHERE status = 'IMPORTED'
),
points AS (
    SELECT y.ahead, g.*, s.*, o.event_bytes,
           CASE WHEN y.ahead = 0 THEN g.rest
                WHEN g.is_known THEN greatest(g.rest + 365 * y.ahead * (g.parks_day - g.raw_day), 0) END AS rest_then,
           CASE WHEN y.ahead = 0 THEN 0 WHEN g.is_known THEN 365 * greatest(g.raw_day, 0) END AS raw_year
    FROM growth AS g, sums AS s, objects AS o, (VALUES (0), (1), (5)) AS y (ahead)
),
kept AS (
    -- raw bytes that are kept when raw is kept for so many years
    SELECT p.ahead, n.years,
           coalesce((SELECT sum(r.total_bytes) FROM raw AS r
                     WHERE r.next_day > (%(today)s::date + make_interval(years => p.ahead - n.years))::date), 0)
           + p.raw_year * least(p.ahead, n.years) AS bytes,
           -- rows that are older than that: of today's months, and of what comes
           coalesce((SELECT sum(r.row_estimate) FROM raw AS r
                     WHERE r.next_day <= (%(today)s::date + make_interval(years => p.ahead - n.years))::date), 0)
           + greatest(p.ahead - n.years, 0) * p.raw_year / nullif(p.raw_bytes / nullif(p.raw_rows, 0), 0) AS older_rows
    FROM points AS p
    CROSS JOIN (VALUES (1), (2), (5)) AS n (years)
),
found AS (
    SELECT 'keep_all' AS strategy, 'everything, for ever' AS title, ahead, rest_then + raw_bytes + raw_year * ahead AS bytes,
           '' AS note
    FROM points
    UNION ALL
    SELECT 'raw_' || k.years || '_years', format('raw for %%s, statistics for ever',
               CASE WHEN k.years = 1 THEN '1 year' ELSE k.years || ' years' END),
           p.ahead, p.rest_then + k.bytes, 'what is dropped can be imported again as long as its archive exists'
    FROM points AS p JOIN kept AS k USING (ahead)
    UNION ALL
    SELECT 'objects', 'raw for 1 year in tables, older as compressed objects, statistics for ever', p.ahead,
           p.rest_then + k.bytes + coalesce(k.older_rows, 0) * p.event_bytes,
           CASE WHEN p.event_bytes IS NULL THEN 'not known: nothing was imported, so nobody knows what an event takes'
                ELSE format('an event takes %%s bytes in the archive''s objects and %%s in tables', round(p.event_bytes, 1),
                            coalesce(round(p.raw_bytes / nullif(p.raw_rows, 0), 1)::text, 'an unknown number of')) END
    FROM points AS p JOIN kept AS k ON k.ahead = p.ahead AND k.years = 1
)
INSERT INTO parks.storage_strategy (measured_on, strategy, title, today_bytes, in_1_year, in_5_years, note)
SELECT %(today)s, strategy, title, max(bytes) FILTER (WHERE ahead = 0)::bigint,
       max(bytes) FILTER (WHERE ahead = 1)::bigint, max(bytes) FILTER (WHERE ahead = 5)::bigint, max(note)
FROM found
GROUP BY strategy, title
ON CONFLICT (measured_on, strategy) DO UPDATE SET
    title = excluded.title, today_bytes = excluded.today_bytes, in_1_year = excluded.in_1_year,
    in_5_years = excluded.in_5_years, note = excluded.note;
