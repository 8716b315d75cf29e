-- name: start_run
INSERT INTO ops.job_run (workflow, job, service, logical_date, status, forced, host, pid, requested_by)
VALUES (%(workflow)s, %(job)s, %(service)s, %(date)s, 'running', %(force)s, %(host)s, %(pid)s, %(requested_by)s)
RETURNING run_id;

-- name: skip_run
INSERT INTO ops.job_run
    (workflow, job, service, logical_date, status, forced, host, pid, requested_by, reason, finished_at)
VALUES (%(workflow)s, %(job)s, %(service)s, %(date)s, 'skipped', %(force)s, %(host)s, %(pid)s, %(requested_by)s,
        %(reason)s, now())
RETURNING run_id;

-- name: write_ready
UPDATE ops.job_run SET ready_at = now() WHERE run_id = %(run_id)s;

-- name: write_progress
UPDATE ops.job_run SET attempt = %(attempt)s, stage_seconds = %(stages)s WHERE run_id = %(run_id)s;

-- name: finish_run
UPDATE ops.job_run
SET status = %(status)s, finished_at = now(), rows_read = %(read)s, rows_written = %(written)s,
    rows_rejected = %(rejected)s, stage_seconds = %(stages)s, reason = %(reason)s, attempt = %(attempt)s
WHERE run_id = %(run_id)s;

-- name: running_dates
SELECT DISTINCT logical_date FROM ops.job_run WHERE job = %(job)s AND status = 'running';

-- name: abandon_runs
UPDATE ops.job_run
SET status = 'abandoned', finished_at = now(), reason = 'the process ended without a word: killed, or its machine went away'
WHERE job = %(job)s AND logical_date = %(date)s AND status = 'running'
RETURNING run_id;

-- name: last_success
-- Of a run that began when the date was over: a run in the course of its day has not done the day.
SELECT run_id, finished_at FROM ops.job_run
WHERE job = %(job)s AND logical_date = %(date)s AND status = 'succeeded' AND started_at >= logical_date + 1
ORDER BY run_id DESC LIMIT 1;

-- name: failed_dates
SELECT DISTINCT f.logical_date
FROM ops.job_run AS f
WHERE f.job = %(job)s AND f.status = 'failed' AND f.started_at > now() - interval '30 days'
  AND NOT EXISTS (
      SELECT FROM ops.job_run AS s
      WHERE s.job = f.job AND s.logical_date = f.logical_date AND s.status = 'succeeded' AND s.run_id > f.run_id
  )
ORDER BY f.logical_date;

-- name: upstream_states
-- Once the date is over, what daily jobs did in the course of it counts no more.
SELECT DISTINCT ON (job) job, run_id, status, reason, started_at, finished_at, now() AS seen_at
FROM ops.job_run
WHERE job = ANY(%(jobs)s) AND logical_date = %(date)s AND (status <> 'skipped' OR reason LIKE 'upstream%%')
  AND NOT (%(is_daily)s AND started_at < logical_date + 1 AND now() >= logical_date + 1)
ORDER BY job, run_id DESC;

-- name: write_log
INSERT INTO ops.job_log (run_id, line, logged_at, level, message, fields) VALUES %s;

-- name: lock
SELECT pg_try_advisory_lock(hashtextextended(%(key)s, 0));

-- name: unlock
SELECT pg_advisory_unlock(hashtextextended(%(key)s, 0));
