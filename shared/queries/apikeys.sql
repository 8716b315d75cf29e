-- name: create_key
INSERT INTO ops.api_key (name, role, prefix, key_hash, expires_at)
VALUES (%(name)s, %(role)s, %(prefix)s, %(key_hash)s, %(expires_at)s)
ON CONFLICT (name) DO NOTHING
RETURNING key_id;

-- name: find_key
SELECT key_id, name, role, key_hash, expires_at, revoked_at,
       expires_at <= now() AS is_expired,
       last_used_at IS NULL OR last_used_at < now() - interval '1 minute' AS use_is_news
FROM ops.api_key
WHERE prefix = %(prefix)s;

-- name: note_use
UPDATE ops.api_key SET last_used_at = now() WHERE key_id = %(key_id)s;

-- name: list_keys
SELECT key_id, name, role, prefix, created_at, expires_at, revoked_at, last_used_at,
       CASE WHEN revoked_at IS NOT NULL THEN 'revoked'
            WHEN expires_at <= now() THEN 'expired'
            ELSE 'active' END AS state
FROM ops.api_key
ORDER BY key_id;

-- name: revoke_key
UPDATE ops.api_key SET revoked_at = now() WHERE name = %(name)s AND revoked_at IS NULL;

-- name: write_audit
INSERT INTO ops.audit_log (actor, action, target, detail, remote)
VALUES (%(actor)s, %(action)s, %(target)s, %(detail)s, %(remote)s);
