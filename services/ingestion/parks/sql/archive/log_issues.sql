-- One row an oddity of the object; repeats are counted. In one order everywhere, so that two writers never wait for
-- each other. Read by people and by the quality endpoints.
SELECT parks.log_issue(kind, severity, subject, raw, message, NULL, NULL, %(import_id)s, seen)
FROM (
    SELECT * FROM jsonb_to_recordset(%(issues)s) AS given
        (kind text, severity text, subject text, raw text, message text, seen bigint)
    ORDER BY kind, subject, raw
) AS ordered;
