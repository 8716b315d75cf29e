-- One row an oddity of an answer; repeats are counted. In one order everywhere, so that two writers never wait for
-- each other. Read by people and by the quality endpoints.
SELECT parks.log_issue(kind, severity, subject, raw, message,
                       new_ride_id => (SELECT ride_id FROM parks.rides WHERE entity_id::text = subject), seen => seen)
FROM (
    SELECT * FROM jsonb_to_recordset(%(issues)s::jsonb) AS given
        (kind text, severity text, subject text, raw text, message text, seen bigint)
    ORDER BY kind, subject, raw
) AS ordered;
