-- Reads and writes of workflows.py. Optional filters are written "is null or equal".

-- name: last_runs
-- One row a job of the workflow that ever ran: its newest run, and when it last succeeded.
SELECT last.job, last.run_id, last.logical_date, last.status, last.attempt, last.started_at, last.finished_at,
       last.seconds, last.rows_read, last.rows_written, last.rows_rejected, last.reason, good.last_success_at
FROM unnest(%(jobs)s::text[]) AS wanted (job)
CROSS JOIN LATERAL (
    SELECT *, round(extract(epoch FROM COALESCE(finished_at, now()) - started_at), 1) AS seconds
    FROM ops.job_run WHERE job_run.job = wanted.job ORDER BY run_id DESC LIMIT 1
) AS last
LEFT JOIN LATERAL (
    SELECT finished_at AS last_success_at
    FROM ops.job_run WHERE job_run.job = wanted.job AND status = 'succeeded' ORDER BY run_id DESC LIMIT 1
) AS good ON true;

-- name: runs
SELECT run_id, workflow, job, service, logical_date, status, attempt, forced, requested_by, started_at, finished_at,
       round(extract(epoch FROM COALESCE(finished_at, now()) - started_at), 1) AS seconds,
       rows_read, rows_written, rows_rejected, reason
FROM ops.job_run
WHERE workflow = %(workflow)s
  AND (%(job)s::text IS NULL OR job = %(job)s)
  AND (%(status)s::text IS NULL OR status = %(status)s)
  AND (%(from)s::date IS NULL OR logical_date >= %(from)s)
  AND (%(to)s::date IS NULL OR logical_date <= %(to)s)
  AND (%(before)s::bigint IS NULL OR run_id < %(before)s)
ORDER BY run_id DESC
LIMIT %(limit)s;

-- name: one_run
SELECT run_id, workflow, job, service, logical_date, status, attempt, forced, requested_by, started_at, finished_at,
       round(extract(epoch FROM COALESCE(finished_at, now()) - started_at), 1) AS seconds,
       rows_read, rows_written, rows_rejected, stage_seconds, reason, host
FROM ops.job_run
WHERE run_id = %(run_id)s AND (%(workflow)s::text IS NULL OR workflow = %(workflow)s);

-- name: log_lines
SELECT line, logged_at, level, message, fields
FROM ops.job_log
WHERE run_id = %(run_id)s AND line > %(after_line)s
ORDER BY line
LIMIT %(limit)s;

-- name: request_run
-- Queue a job for a logical date, unless the same is queued already.
INSERT INTO ops.run_request (workflow, job, service, logical_date, position, forced, requested_by)
SELECT %(workflow)s, %(job)s, %(service)s, %(logical_date)s, %(position)s, %(forced)s, %(requested_by)s
WHERE NOT EXISTS (
    SELECT 1 FROM ops.run_request
    WHERE job = %(job)s AND service = %(service)s AND logical_date = %(logical_date)s AND state = 'queued'
      AND forced = %(forced)s)
RETURNING request_id;

-- name: queued_request
SELECT request_id FROM ops.run_request
WHERE job = %(job)s AND service = %(service)s AND logical_date = %(logical_date)s AND state = 'queued'
  AND forced = %(forced)s
ORDER BY request_id LIMIT 1;

-- name: one_request
-- The request with the newest run that was started for its job and date since it was made.
SELECT request.request_id, request.workflow, request.job, request.logical_date, request.forced, request.state,
       request.requested_by, request.requested_at, request.taken_at, request.done_at, request.exit_code,
       run.run_id, run.status AS run_status, run.reason AS run_reason
FROM ops.run_request AS request
LEFT JOIN LATERAL (
    SELECT run_id, status, reason FROM ops.job_run
    WHERE job_run.job = request.job AND job_run.logical_date = request.logical_date
      AND job_run.started_at >= request.requested_at
    ORDER BY run_id DESC LIMIT 1
) AS run ON true
WHERE request.request_id = %(request_id)s AND request.workflow = %(workflow)s;
