-- One row is an observation of a check of what the retailers delivered for the logical date `date`:
-- check_name, subject (retailer_id), observed, note. Counts are compared stage by stage: what the source said,
-- what landed, what became raw files, what the ledger took from them.
-- Reads ops.arrival, ops.loaded_object, ops.dead_letter and ops.reconciliation. Read by retail_quality.
WITH retailers AS (
    SELECT retailer_id FROM unnest(%(retailers)s::text[]) AS r (retailer_id)
),
arrived AS (
    SELECT
        source AS retailer_id, source_rows, landed_rows, rejected_rows, run_id,
        COALESCE(arrived_at > now() - make_interval(days => %(raw_days)s::integer), true) AS has_raw
    FROM ops.arrival
    WHERE pipeline = 'retail' AND logical_date = %(date)s
),
newest AS (
    SELECT source AS retailer_id, max(logical_date) AS logical_date
    FROM ops.arrival
    WHERE pipeline = 'retail' AND logical_date <= %(date)s
    GROUP BY source
),
raw_files AS (
    -- of the run that the arrival speaks of: a forced run writes its own files
    SELECT
        a.retailer_id,
        COALESCE(sum(o.row_count), 0) AS lines,
        count(*) FILTER (WHERE o.object_key IS NOT NULL AND o.loaded_at IS NULL) AS pending
    FROM arrived AS a
    LEFT JOIN ops.loaded_object AS o
        ON o.dataset = 'retail/raw' AND o.source = a.retailer_id
       AND o.logical_date = %(date)s AND o.created_run_id = a.run_id
    GROUP BY a.retailer_id
),
replayed AS (
    -- rejected on arrival, read since: the raw files of the run hold them too
    SELECT source AS retailer_id, sum(rows) AS lines
    FROM ops.dead_letter
    WHERE pipeline = 'retail' AND logical_date = %(date)s AND state = 'replayed'
    GROUP BY source
),
loads AS (
    -- runs that loaded files of the logical date, with all that each says it loaded
    SELECT o.source AS retailer_id, o.loaded_run_id AS run_id, sum(o.row_count) AS lines
    FROM ops.loaded_object AS o
    WHERE o.dataset = 'retail/raw'
      AND o.loaded_run_id IN (
          SELECT loaded_run_id FROM ops.loaded_object WHERE dataset = 'retail/raw' AND logical_date = %(date)s
      )
    GROUP BY o.source, o.loaded_run_id
),
booked AS (
    SELECT l.retailer_id, sum(GREATEST(l.lines - COALESCE(k.lines, 0), 0)) AS missing
    FROM loads AS l
    LEFT JOIN (
        SELECT source AS retailer_id, run_id, sum(source_rows) AS lines
        FROM ops.reconciliation
        WHERE pipeline = 'retail'
        GROUP BY source, run_id
    ) AS k USING (retailer_id, run_id)
    GROUP BY l.retailer_id
),
last_sale AS (
    SELECT source AS retailer_id, max(business_date) AS business_date
    FROM (
        SELECT source, business_date
        FROM ops.reconciliation
        WHERE pipeline = 'retail' AND business_date <= %(date)s
        GROUP BY source, business_date
        HAVING sum(fact_rows) > 0
    ) AS sold
    GROUP BY source
)
SELECT v.check_name, r.retailer_id AS subject, v.observed, v.note
FROM retailers AS r
LEFT JOIN arrived AS a USING (retailer_id)
LEFT JOIN newest AS n USING (retailer_id)
LEFT JOIN raw_files AS f USING (retailer_id)
LEFT JOIN replayed AS p USING (retailer_id)
LEFT JOIN booked AS b USING (retailer_id)
LEFT JOIN last_sale AS s USING (retailer_id)
CROSS JOIN LATERAL (VALUES
    -- a day that is not over has not arrived whole: the one before is what must be there
    ('arrival_age', COALESCE(LEAST(%(date)s::date, current_date - 1) - n.logical_date, 9999)::numeric,
     CASE WHEN n.logical_date IS NULL THEN 'nothing ever arrived' ELSE 'last arrival ' || n.logical_date END),
    ('sales_age', (%(date)s::date - s.business_date)::numeric,
     CASE WHEN s.business_date IS NULL THEN 'no sales yet' ELSE 'last sale ' || s.business_date END),
    ('source_landed', abs(a.source_rows - a.landed_rows)::numeric,
     CASE WHEN a.source_rows IS NULL THEN 'the source gives no count'
          ELSE format('source %%s, landed %%s', a.source_rows, a.landed_rows) END),
    ('landed_raw',
     CASE WHEN a.has_raw AND p.lines IS NULL THEN abs(a.landed_rows - a.rejected_rows - f.lines)
          -- a replay may write fewer or more lines than its letter stood for
          WHEN a.has_raw THEN GREATEST(a.landed_rows - a.rejected_rows - f.lines, 0) END,
     CASE WHEN a.has_raw THEN format('landed %%s, rejected %%s, raw %%s', a.landed_rows, a.rejected_rows, f.lines)
          ELSE 'raw files are past their retention' END),
    ('raw_pending', f.pending::numeric, NULL),
    ('raw_booked', b.missing, NULL),
    ('rejected_share', a.rejected_rows / NULLIF(a.landed_rows, 0)::numeric,
     format('%%s of %%s lines', a.rejected_rows, a.landed_rows))
) AS v (check_name, observed, note);
