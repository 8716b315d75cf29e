-- name: take_request
-- The jobs of a workflow and date are taken in their order, so that a forced one is done before the next
-- begins. A request whose taker lives no more is open again.
UPDATE ops.run_request SET state = 'taken', taken_at = now()
WHERE request_id = (
    SELECT request_id FROM ops.run_request
    WHERE service = %(service)s
      AND NOT EXISTS (SELECT 1 FROM ops.run_request AS upstream
                      WHERE upstream.workflow = run_request.workflow
                        AND upstream.logical_date = run_request.logical_date
                        AND upstream.state <> 'done' AND upstream.position < run_request.position)
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
