-- Reads of health.py and metrics.py, all from schema ops.

-- name: applied_migrations
SELECT migration_id FROM public._yoyo_migration;

-- name: job_states
-- One row a job that ever ran: its newest run, and its newest success.
SELECT job.workflow, job.job, last.run_id, last.logical_date, last.status, last.started_at, last.finished_at,
       last.rows_read, last.rows_written, last.rows_rejected, last.reason,
       extract(epoch FROM COALESCE(last.finished_at, now()) - last.started_at) AS seconds,
       good.finished_at AS succeeded_at, good.logical_date AS succeeded_date,
       extract(epoch FROM now() - good.finished_at) AS success_age_seconds
FROM (SELECT DISTINCT workflow, job FROM ops.job_run) AS job
CROSS JOIN LATERAL (
    SELECT * FROM ops.job_run WHERE job_run.job = job.job AND job_run.workflow = job.workflow
    ORDER BY run_id DESC LIMIT 1
) AS last
LEFT JOIN LATERAL (
    SELECT finished_at, logical_date FROM ops.job_run
    WHERE job_run.job = job.job AND job_run.workflow = job.workflow AND status = 'succeeded'
    ORDER BY run_id DESC LIMIT 1
) AS good ON true
ORDER BY job.workflow, job.job;

-- name: runs_by_status
SELECT workflow, job, status, count(*) AS runs FROM ops.job_run GROUP BY workflow, job, status;

-- name: quality_scores
SELECT DISTINCT ON (workflow) workflow, score, checks, failed, critical
FROM ops.quality_score ORDER BY workflow, logical_date DESC, run_id DESC;

-- name: open_incidents
SELECT severity, count(*) AS incidents FROM ops.alert WHERE resolved_at IS NULL GROUP BY severity;

-- name: open_dead_letters
SELECT pipeline, source, count(*) AS letters, sum(rows) AS rows
FROM ops.dead_letter WHERE state = 'open' GROUP BY pipeline, source;

-- name: arrivals
SELECT pipeline, source, max(logical_date) AS logical_date,
       (now() AT TIME ZONE 'UTC')::date - 1 - max(logical_date) AS lag_days,
       sum(landed_rows) AS landed_rows, sum(rejected_rows) AS rejected_rows, sum(late_rows) AS late_rows
FROM ops.arrival GROUP BY pipeline, source;

-- name: open_requests
SELECT service, count(*) AS requests, extract(epoch FROM now() - min(requested_at)) AS oldest_seconds
FROM ops.run_request WHERE state = 'queued' GROUP BY service;
