-- name: take_request
-- The jobs of a workflow and date are taken in their order, so that a forced one is done before the next
-- begins. A request whose taker lives no more is open again: nobody holds the lock of its job and date
-- (shared/jobs/ledger.py), which this statement takes for a moment.
UPDATE ops.run_request SET state = 'taken', taken_at = now()
WHERE request_id = (
    SELECT request_id FROM ops.run_request
    WHERE service = %(service)s
      AND NOT EXISTS (SELECT 1 FROM ops.run_request AS upstream
                      WHERE upstream.workflow = run_request.workflow
                        AND upstream.logical_date = run_request.logical_date
                        AND upstream.state <> 'done' AND upstream.position < run_request.position)
      AND CASE WHEN state = 'queued' THEN true
               WHEN state = 'taken' AND taken_at < now() - interval '1 minute'
               THEN pg_try_advisory_xact_lock(hashtextextended('job:' || job || ':' || logical_date, 0))
               ELSE false END
    ORDER BY logical_date, position, request_id
    LIMIT 1
    FOR UPDATE SKIP LOCKED)
RETURNING request_id, job, logical_date, forced, requested_by;

-- name: close_request
UPDATE ops.run_request SET state = 'done', done_at = now(), exit_code = %(code)s WHERE request_id = %(id)s;
