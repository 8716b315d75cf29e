-- name: jobs
-- One row a job: what its runs did, skipped ones left out.
SELECT job, count(*) AS runs, sum(rows_read) AS "rows read", sum(rows_written) AS "rows written",
       sum(rows_rejected) AS rejected,
       round(sum(extract(epoch FROM finished_at - started_at)), 1) AS seconds
FROM ops.job_run
WHERE workflow = 'retail' AND status IN ('succeeded', 'failed')
GROUP BY job
ORDER BY min(run_id);

-- name: score
SELECT logical_date, score, checks, failed, critical
FROM ops.quality_score
WHERE workflow = 'retail'
ORDER BY logical_date DESC, run_id DESC
LIMIT 1;

-- name: best_days
SELECT f.business_date AS day, d.weekday_name AS weekday, count(DISTINCT f.transaction_id) AS sales,
       round(sum(f.total), 2) AS net_sales
FROM retail.fact_sales AS f JOIN retail.dim_date AS d ON d.date_key = f.business_date
GROUP BY 1, 2
ORDER BY sum(f.total) DESC
LIMIT 3;

-- name: top_products
SELECT r.retailer_name AS retailer, p.product_name AS product, p.category, sum(f.quantity)::bigint AS units,
       round(sum(f.total), 2) AS net_sales
FROM retail.fact_sales AS f
JOIN retail.dim_product AS p USING (product_key)
JOIN retail.dim_retailer AS r ON r.retailer_key = f.retailer_key
WHERE p.category <> 'Services'
GROUP BY 1, 2, 3
ORDER BY sum(f.total) DESC
LIMIT 3;

-- name: conservation
SELECT l.source AS retailer, sum(l.source_rows) AS source_lines, sum(l.fact_rows) AS facts,
       sum(l.duplicate_rows) AS duplicates, sum(l.rejected_rows) AS rejected,
       sum(l.source_rows) = sum(l.fact_rows + l.duplicate_rows + l.rejected_rows)
       AND sum(l.fact_rows) = (SELECT count(*) FROM retail.fact_sales AS f
                               JOIN retail.dim_retailer AS r USING (retailer_key)
                               WHERE r.retailer_id = l.source) AS nothing_lost
FROM ops.reconciliation AS l
WHERE l.pipeline = 'retail'
GROUP BY l.source
ORDER BY l.source;
