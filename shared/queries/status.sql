-- name: last_runs
SELECT DISTINCT ON (job) job, run_id, logical_date, status, started_at,
       round(extract(epoch FROM COALESCE(finished_at, now()) - started_at), 1) AS seconds, rows_written,
       max(finished_at) FILTER (WHERE status = 'succeeded') OVER (PARTITION BY job) AS last_success, reason
FROM ops.job_run
ORDER BY job, run_id DESC;

-- name: history
SELECT run_id, job, logical_date, status, attempt, started_at,
       round(extract(epoch FROM COALESCE(finished_at, now()) - started_at), 1) AS seconds,
       rows_read, rows_written, rows_rejected, reason
FROM ops.job_run
WHERE (%(name)s::text IS NULL OR job = %(name)s OR workflow = %(name)s)
  AND (%(status)s::text IS NULL OR status = %(status)s)
  AND (%(date)s::date IS NULL OR logical_date = %(date)s)
ORDER BY run_id DESC
LIMIT %(limit)s;

-- name: one_run
SELECT run_id, workflow, job, service, logical_date, status, reason, attempt, forced, requested_by, host, pid,
       started_at, finished_at, rows_read, rows_written, rows_rejected, stage_seconds
FROM ops.job_run WHERE run_id = %(run_id)s;

-- name: log_lines
SELECT line, logged_at, level, message, fields FROM ops.job_log WHERE run_id = %(run_id)s ORDER BY line;
