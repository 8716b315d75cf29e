-- Reads and writes of quality.py.

-- name: version
SELECT max(run_id) FROM ops.quality_score;

-- name: scores
-- One row a quality run; only the newest of each workflow and logical date unless all are wanted.
SELECT workflow, logical_date, run_id, score, checks, failed, critical, scored_at
FROM (
    SELECT *, row_number() OVER (PARTITION BY workflow, logical_date ORDER BY run_id DESC) AS age
    FROM ops.quality_score
    WHERE (%(workflow)s::text IS NULL OR workflow = %(workflow)s)
      AND (%(from)s::date IS NULL OR logical_date >= %(from)s)
      AND (%(to)s::date IS NULL OR logical_date <= %(to)s)
) AS scored
WHERE age = 1 OR %(every_run)s
ORDER BY logical_date DESC, workflow, run_id DESC
LIMIT %(limit)s OFFSET %(offset)s;

-- name: results
SELECT result_id, run_id, workflow, table_name, check_name, logical_date, severity, passed, observed, expected,
       message, sample_keys, checked_at
FROM ops.quality_result
WHERE (%(workflow)s::text IS NULL OR workflow = %(workflow)s)
  AND (%(check)s::text IS NULL OR check_name = %(check)s)
  AND (%(severity)s::text IS NULL OR severity = %(severity)s)
  AND (%(passed)s::boolean IS NULL OR passed = %(passed)s)
  AND (%(run_id)s::bigint IS NULL OR run_id = %(run_id)s)
  AND (%(from)s::date IS NULL OR logical_date >= %(from)s)
  AND (%(to)s::date IS NULL OR logical_date <= %(to)s)
ORDER BY result_id DESC
LIMIT %(limit)s OFFSET %(offset)s;

-- name: issues
SELECT issue_id, workflow, check_name, severity, status, owner, notes, first_seen_date, last_seen_date, times_seen,
       message, opened_at, resolved_at
FROM ops.data_quality_log
WHERE (%(workflow)s::text IS NULL OR workflow = %(workflow)s)
  AND (%(status)s::text IS NULL OR status = %(status)s)
  AND (%(severity)s::text IS NULL OR severity = %(severity)s)
ORDER BY issue_id DESC
LIMIT %(limit)s OFFSET %(offset)s;

-- name: lock_issue
SELECT issue_id, workflow, check_name, status, owner, notes
FROM ops.data_quality_log WHERE issue_id = %(issue_id)s FOR UPDATE;

-- name: open_twin
-- Another unresolved issue of the same check: only one of them may be open.
SELECT other.issue_id
FROM ops.data_quality_log AS this
JOIN ops.data_quality_log AS other USING (workflow, check_name)
WHERE this.issue_id = %(issue_id)s AND other.issue_id <> this.issue_id AND other.status <> 'resolved';

-- name: change_issue
UPDATE ops.data_quality_log
SET status = %(status)s, owner = %(owner)s, notes = %(notes)s,
    resolved_at = CASE WHEN %(status)s = 'resolved' THEN COALESCE(resolved_at, now()) END
WHERE issue_id = %(issue_id)s
RETURNING issue_id, workflow, check_name, severity, status, owner, notes, first_seen_date, last_seen_date,
          times_seen, message, opened_at, resolved_at;

-- name: reconciliation
-- One row a source and business day, summed over runs: source = fact + duplicate + rejected.
SELECT pipeline, source, business_date, sum(source_rows) AS source_rows, sum(fact_rows) AS fact_rows,
       sum(duplicate_rows) AS duplicate_rows, sum(rejected_rows) AS rejected_rows, max(run_id) AS last_run_id
FROM ops.reconciliation
WHERE (%(pipeline)s::text IS NULL OR pipeline = %(pipeline)s)
  AND (%(source)s::text IS NULL OR source = %(source)s)
  AND (%(from)s::date IS NULL OR business_date >= %(from)s)
  AND (%(to)s::date IS NULL OR business_date <= %(to)s)
GROUP BY pipeline, source, business_date
ORDER BY business_date DESC, pipeline, source
LIMIT %(limit)s OFFSET %(offset)s;
