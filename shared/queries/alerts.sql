-- name: raise_incident
-- due: nobody was told yet, or not since `remind_hours`, or it became worse. notified_at is set before sending,
-- so that two processes that see the same incident send one message between them.
INSERT INTO ops.alert AS old (incident, severity, title, reason, look_closer, run_id, notified_at)
VALUES (%(incident)s, %(severity)s, %(title)s, %(reason)s, %(look_closer)s, %(run_id)s, now())
ON CONFLICT (incident) WHERE resolved_at IS NULL DO UPDATE SET
    severity = EXCLUDED.severity, title = EXCLUDED.title, reason = EXCLUDED.reason,
    look_closer = EXCLUDED.look_closer, run_id = EXCLUDED.run_id, last_seen_at = now(),
    times_seen = old.times_seen + 1,
    notified_at = CASE WHEN old.notified_at > now() - make_interval(hours => %(remind_hours)s)
                        AND NOT (old.severity = 'warning' AND EXCLUDED.severity = 'critical')
                       THEN old.notified_at ELSE now() END
RETURNING alert_id, opened_at, times_seen, COALESCE(notified_at = now(), false) AS due;

-- name: not_notified
UPDATE ops.alert SET notified_at = NULL WHERE alert_id = %(alert_id)s;

-- name: recover
UPDATE ops.alert SET resolved_at = now()
WHERE incident = %(incident)s AND resolved_at IS NULL
RETURNING alert_id, severity, title, reason, times_seen, opened_at, resolved_at, notified_at IS NOT NULL AS was_notified;

-- name: list_open
SELECT alert_id, incident, severity, title, reason, look_closer, run_id, opened_at, last_seen_at, times_seen, notified_at
FROM ops.alert
WHERE resolved_at IS NULL AND starts_with(incident, %(prefix)s)
ORDER BY opened_at, alert_id;

-- name: list_incidents
-- Open ones first, then the newest of the rest.
SELECT alert_id, incident, severity, title, opened_at, last_seen_at, times_seen, notified_at, resolved_at, look_closer
FROM ops.alert
WHERE %(closed)s OR resolved_at IS NULL
ORDER BY resolved_at IS NOT NULL, alert_id DESC
LIMIT %(limit)s;
