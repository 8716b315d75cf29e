-- name: days
-- One row a source and business day: what the ledger says became of its lines, over all runs.
SELECT source, business_date, sum(source_rows) AS source_rows, sum(fact_rows) AS facts,
       sum(duplicate_rows) AS duplicates, sum(rejected_rows) AS rejected
FROM ops.reconciliation
WHERE pipeline = %(pipeline)s AND business_date BETWEEN %(first)s AND %(last)s
  AND (%(source)s::text IS NULL OR source = %(source)s)
GROUP BY source, business_date
ORDER BY business_date, source;

-- name: deliveries
-- One row a source and logical date that arrived: counted by the source, landed, raw, and not loaded yet.
-- raw_rows is null when the raw files of the run are gone (retention). A replayed letter's lines are in raw
-- although the arrival counted them as rejected.
SELECT a.source, a.logical_date, a.source_rows, a.landed_rows AS landed, a.rejected_rows AS rejected,
       raw.row_count AS raw_rows, COALESCE(raw.waiting, 0) AS waiting, COALESCE(replayed.row_count, 0) AS replayed,
       a.arrived_at
FROM ops.arrival AS a
LEFT JOIN LATERAL (
    SELECT sum(o.row_count) AS row_count, sum(o.row_count) FILTER (WHERE o.loaded_at IS NULL) AS waiting
    FROM ops.loaded_object AS o
    WHERE o.dataset = %(pipeline)s || '/raw' AND o.source = a.source AND o.logical_date = a.logical_date
      AND o.created_run_id = a.run_id
) AS raw ON true
LEFT JOIN LATERAL (
    SELECT sum(d.rows) AS row_count FROM ops.dead_letter AS d
    WHERE d.pipeline = a.pipeline AND d.source = a.source AND d.run_id = a.run_id AND d.state = 'replayed'
) AS replayed ON true
WHERE a.pipeline = %(pipeline)s AND a.logical_date BETWEEN %(first)s AND %(last)s
  AND (%(source)s::text IS NULL OR a.source = %(source)s)
ORDER BY a.logical_date, a.source;

-- name: loads
-- One row a run that loaded raw files of these logical dates, and source: the rows of its files and the lines it
-- booked in the ledger. A file loaded again belongs to the newer run, so a run may have booked more, never less.
SELECT o.source, o.loaded_run_id AS run_id, sum(o.row_count) AS raw_rows,
       (SELECT COALESCE(sum(r.source_rows), 0) FROM ops.reconciliation AS r
        WHERE r.pipeline = %(pipeline)s AND r.source = o.source AND r.run_id = o.loaded_run_id) AS booked
FROM ops.loaded_object AS o
WHERE o.dataset = %(pipeline)s || '/raw'
  AND (%(source)s::text IS NULL OR o.source = %(source)s)
  AND o.loaded_run_id IN (
      SELECT loaded_run_id FROM ops.loaded_object
      WHERE dataset = %(pipeline)s || '/raw' AND logical_date BETWEEN %(first)s AND %(last)s
  )
GROUP BY o.source, o.loaded_run_id
ORDER BY o.loaded_run_id, o.source;
