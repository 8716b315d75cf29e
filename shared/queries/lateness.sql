-- name: last_successes
-- One row a job of the list that ever succeeded: its newest success.
SELECT wanted.job, good.finished_at AS succeeded_at, good.logical_date AS succeeded_date
FROM unnest(%(jobs)s::text[]) AS wanted (job)
CROSS JOIN LATERAL (
    SELECT finished_at, logical_date FROM ops.job_run
    WHERE job_run.job = wanted.job AND status = 'succeeded'
    ORDER BY run_id DESC LIMIT 1
) AS good;

-- name: installed_at
-- When the schema was last changed (UTC): a job that never succeeded cannot have been due before.
SELECT max(applied_at_utc) FROM public._yoyo_migration;

-- name: open_incidents
SELECT incident, severity, title, look_closer FROM ops.alert
WHERE resolved_at IS NULL ORDER BY severity, alert_id;

-- name: open_dead_letters
SELECT count(*) FROM ops.dead_letter WHERE state = 'open' AND (%(pipeline)s::text IS NULL OR pipeline = %(pipeline)s);
