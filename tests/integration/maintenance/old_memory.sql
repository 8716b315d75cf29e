-- Rows of every table that house_retention trims, some past 30 days, some open. Read by test_retention.py.
INSERT INTO ops.job_run (workflow, job, service, logical_date, status, started_at, finished_at, host, pid)
SELECT 'house', job, 'maintenance', current_date, status, now() - interval '40 days', now(), 'h', 1
FROM unnest(ARRAY['house_watch', 'house_storage']) AS job, unnest(ARRAY['succeeded', 'running']) AS status;
INSERT INTO ops.job_log (run_id, line, logged_at, level, message)
SELECT max(run_id), n, now() - make_interval(days => n * 10), 'info', 'x'
FROM ops.job_run, generate_series(1, 6) AS n GROUP BY n;
INSERT INTO ops.dead_letter (pipeline, job, source, logical_date, position, payload, payload_bytes, reason,
                             fingerprint, state, run_id, created_at, settled_at)
SELECT 'retail', 'j', 's', current_date, 'p', '{}', 2, 'r', state, state, 1, now() - interval '40 days',
       CASE WHEN state <> 'open' THEN now() - interval '40 days' END
FROM unnest(ARRAY['open', 'replayed', 'discarded']) AS state;
INSERT INTO ops.alert (incident, severity, title, reason, look_closer, opened_at, resolved_at)
SELECT 'i' || n, 'warning', 't', 'r', 'l', now() - interval '40 days',
       CASE WHEN n = 1 THEN now() - interval '40 days' END FROM generate_series(1, 2) AS n;
INSERT INTO ops.data_quality_log (workflow, check_name, severity, status, first_seen_date, last_seen_date,
                                  message, resolved_at)
SELECT 'retail', status, 'warning', status, current_date, current_date, 'm',
       CASE WHEN status = 'resolved' THEN now() - interval '40 days' END
FROM unnest(ARRAY['open', 'resolved']) AS status;
INSERT INTO ops.quality_result (run_id, workflow, table_name, check_name, logical_date, severity, passed,
                                expected, message, checked_at)
SELECT 1, 'retail', 't', 'c', current_date, 'info', true, 'e', 'm', now() - make_interval(days => n)
FROM unnest(ARRAY[10, 40]) AS n;
INSERT INTO ops.column_profile (table_name, column_name, profiled_at, row_count, null_count, distinct_count)
SELECT 't', 'c', now() - make_interval(days => n), 1, 0, 1 FROM unnest(ARRAY[10, 40]) AS n;
INSERT INTO ops.audit_log (at, actor, action, target)
SELECT now() - make_interval(days => n), 'a', 'b', 'c' FROM unnest(ARRAY[10, 40]) AS n;
INSERT INTO ops.run_request (workflow, job, service, logical_date, position, state, requested_by, done_at)
SELECT 'retail', 'j', 's', current_date, 0, state, 'ada', now() - interval '40 days'
FROM unnest(ARRAY['queued', 'done']) AS state;
