-- Reads of console.py.

-- name: strips
-- One row a job and logical date of the last days: its newest run.
SELECT DISTINCT ON (job, logical_date) workflow, job, logical_date, run_id, status, reason, rows_written,
       extract(epoch FROM COALESCE(finished_at, now()) - started_at) AS seconds
FROM ops.job_run
WHERE logical_date > %(today)s::date - %(days)s::integer
ORDER BY job, logical_date, (status = 'skipped'), run_id DESC;

-- name: newest_runs
SELECT run_id, workflow, job, logical_date, status, started_at, rows_read, rows_written, rows_rejected, reason,
       extract(epoch FROM COALESCE(finished_at, now()) - started_at) AS seconds
FROM ops.job_run
ORDER BY run_id DESC
LIMIT %(limit)s;

-- name: scores
-- The newest score of each of a workflow's last logical dates, oldest first.
SELECT * FROM (
    SELECT DISTINCT ON (logical_date) logical_date, run_id, score, checks, failed, critical
    FROM ops.quality_score
    WHERE workflow = %(workflow)s
    ORDER BY logical_date DESC, run_id DESC
    LIMIT %(days)s
) AS newest
ORDER BY logical_date;

-- name: scored_workflows
SELECT workflow FROM ops.quality_score GROUP BY workflow ORDER BY workflow;

-- name: failed_checks
-- What failed in the newest quality run of a workflow, worst first.
SELECT check_name, table_name, severity, observed, expected, message
FROM ops.quality_result
WHERE NOT passed AND run_id = %(run_id)s
ORDER BY array_position(ARRAY['critical', 'warning', 'info'], severity), check_name
LIMIT 20;

-- name: incidents
SELECT alert_id, incident, severity, title, reason, look_closer, run_id, opened_at, last_seen_at, times_seen
FROM ops.alert
WHERE resolved_at IS NULL
ORDER BY severity = 'critical' DESC, opened_at DESC
LIMIT 50;

-- name: dead_letters
-- One row a pipeline, source and reason with open letters.
SELECT pipeline, source, reason, field, count(*) AS letters, sum(rows) AS rows,
       min(logical_date) AS first_date, max(logical_date) AS last_date, min(dead_letter_id) AS example
FROM ops.dead_letter
WHERE state = 'open'
GROUP BY pipeline, source, reason, field
ORDER BY letters DESC, pipeline, source, reason
LIMIT 20;

-- name: sales_by_day
SELECT business_date, retailer_id, retailer_name, currency, net_sales AS total
FROM retail.mv_daily_sales_summary
WHERE business_date > %(to)s::date - %(days)s::integer AND business_date <= %(to)s::date
ORDER BY business_date, retailer_id;
