-- name: take_request
-- A request that was taken by a process that lives no more is open again: its lock is free.
UPDATE ops.run_request SET state = 'taken', taken_at = now()
WHERE request_id = (
    SELECT request_id FROM ops.run_request
    WHERE service = %(service)s
      AND (state = 'queued' OR state = 'taken' AND taken_at < now() - interval '15 minutes'
           AND NOT EXISTS (SELECT 1 FROM ops.job_run AS r
                           WHERE r.job = run_request.job AND r.logical_date = run_request.logical_date
                             AND r.status = 'running'))
    ORDER BY logical_date, position, request_id
    LIMIT 1
    FOR UPDATE SKIP LOCKED)
RETURNING request_id, job, logical_date, forced, requested_by;

-- name: close_request
UPDATE ops.run_request SET state = 'done', done_at = now(), exit_code = %(code)s WHERE request_id = %(id)s;
