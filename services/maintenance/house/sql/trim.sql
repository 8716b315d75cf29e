-- name: job_log
DELETE FROM ops.job_log WHERE logged_at < now() - make_interval(days => %(days)s);

-- name: frequent_runs
-- Runs of jobs that fire more than once a day. The runs of daily jobs stay: they say which dates are done.
DELETE FROM ops.job_run
WHERE job = ANY(%(frequent)s::text[]) AND status <> 'running'
  AND started_at < now() - make_interval(days => %(days)s);

-- name: run_request
DELETE FROM ops.run_request WHERE state = 'done' AND done_at < now() - make_interval(days => %(days)s);

-- name: dead_letter
DELETE FROM ops.dead_letter WHERE state <> 'open' AND settled_at < now() - make_interval(days => %(days)s);

-- name: quality_result
DELETE FROM ops.quality_result WHERE checked_at < now() - make_interval(days => %(days)s);

-- name: column_profile
DELETE FROM ops.column_profile WHERE profiled_at < now() - make_interval(days => %(days)s);

-- name: quality_issue
DELETE FROM ops.data_quality_log
WHERE status = 'resolved' AND resolved_at < now() - make_interval(days => %(days)s);

-- name: alert
DELETE FROM ops.alert WHERE resolved_at < now() - make_interval(days => %(days)s);

-- name: audit_log
DELETE FROM ops.audit_log WHERE at < now() - make_interval(days => %(days)s);
