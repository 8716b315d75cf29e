-- name: write_results
INSERT INTO ops.quality_result
    (run_id, workflow, table_name, check_name, logical_date, severity, passed, observed, expected, message, sample_keys)
VALUES %s;

-- name: write_score
INSERT INTO ops.quality_score (workflow, logical_date, run_id, score, checks, failed, critical)
VALUES (%(workflow)s, %(logical_date)s, %(run_id)s, %(percent)s, %(checks)s, %(failed)s, %(critical)s)
ON CONFLICT (workflow, logical_date, run_id) DO UPDATE SET
    score = EXCLUDED.score, checks = EXCLUDED.checks, failed = EXCLUDED.failed,
    critical = EXCLUDED.critical, scored_at = now();

-- name: open_issue
INSERT INTO ops.data_quality_log AS old
    (workflow, check_name, severity, first_seen_date, last_seen_date, message)
VALUES (%(workflow)s, %(check_name)s, %(severity)s, %(logical_date)s, %(logical_date)s, %(message)s)
ON CONFLICT (workflow, check_name) WHERE status <> 'resolved' DO UPDATE SET
    severity = EXCLUDED.severity,
    first_seen_date = LEAST(old.first_seen_date, EXCLUDED.first_seen_date),
    last_seen_date = GREATEST(old.last_seen_date, EXCLUDED.last_seen_date),
    times_seen = old.times_seen + 1,
    message = EXCLUDED.message;

-- name: resolve_issues
-- An older date that passes says nothing about an issue of a newer one.
UPDATE ops.data_quality_log
SET status = 'resolved', resolved_at = now()
WHERE workflow = %(workflow)s
  AND status <> 'resolved'
  AND last_seen_date <= %(logical_date)s
  AND check_name <> ALL(%(failing)s::text[]);
