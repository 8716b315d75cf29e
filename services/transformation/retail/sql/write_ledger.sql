-- One row a retailer and business day of this run: every staged line became a fact or is a duplicate, and a
-- fact that its newer version took away is a duplicate from now on.
-- Reads: load_transaction, load_contested, load_inserted, load_known. Read by: cronhouse reconcile, the quality
-- checks, processed.write_processed.
INSERT INTO ops.reconciliation AS old (pipeline, source, business_date, run_id, source_rows, fact_rows, duplicate_rows)
WITH moves AS (
    SELECT r.retailer_key, t.business_date, t.lines AS staged, CASE WHEN x.version IS NULL THEN t.lines ELSE 0 END AS added
    FROM load_transaction AS t
    JOIN retail.dim_retailer AS r USING (retailer_id)
    LEFT JOIN load_contested AS x USING (retailer_id, transaction_id)
    UNION ALL
    SELECT retailer_key, business_date, 0, lines FROM load_inserted
    UNION ALL
    SELECT retailer_key, business_date, 0, -lines FROM load_known WHERE known_version < version
)
SELECT 'retail', r.retailer_id, m.business_date, %(run_id)s, sum(m.staged), sum(m.added), sum(m.staged) - sum(m.added)
FROM moves AS m
JOIN retail.dim_retailer AS r USING (retailer_key)
GROUP BY r.retailer_id, m.business_date
ON CONFLICT (pipeline, source, business_date, run_id) DO UPDATE SET
    source_rows = old.source_rows + EXCLUDED.source_rows,
    fact_rows = old.fact_rows + EXCLUDED.fact_rows,
    duplicate_rows = old.duplicate_rows + EXCLUDED.duplicate_rows;
