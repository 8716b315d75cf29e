-- Small statements about releases. One row of vehicles.release is a release of vPIC that a load began.

-- name: try_lock
-- One load, swap or rollback at a time; held by the session.
SELECT pg_try_advisory_lock(hashtextextended('vehicles:releases', 0));

-- name: unlock
SELECT pg_advisory_unlock(hashtextextended('vehicles:releases', 0));

-- name: set_search_path
SELECT set_config('search_path', quote_ident(%(schema)s), true);

-- name: begin
INSERT INTO vehicles.release (name, source, run_id) VALUES (%(name)s, %(source)s, %(run_id)s)
RETURNING release_id, name, source, state, tables;

-- name: write_release
-- Inside of the release's own schema.
INSERT INTO release (release_id, name) VALUES (%(release_id)s, %(name)s);

-- name: write_table
UPDATE vehicles.release
SET tables = tables || jsonb_build_object(%(table)s::text, %(rows)s::bigint), row_count = row_count + %(rows)s
WHERE release_id = %(release_id)s;

-- name: write_loaded
UPDATE vehicles.release SET loaded_at = now(), notes = %(notes)s WHERE release_id = %(release_id)s;

-- name: write_failed
UPDATE vehicles.release SET state = 'failed', problem = %(problem)s
WHERE release_id = %(release_id)s AND state = 'loading';

-- name: unfinished
SELECT release_id, name, source, state, tables FROM vehicles.release WHERE state = 'loading' ORDER BY release_id;

-- name: resumable
-- Its tables are not all there yet; once they are, keys and more have been made of them.
SELECT release_id, name, source, state, tables FROM vehicles.release
WHERE state = 'loading' AND loaded_at IS NULL AND name = %(name)s AND source = %(source)s
ORDER BY release_id DESC
LIMIT 1;

-- name: continue
UPDATE vehicles.release SET run_id = %(run_id)s WHERE release_id = %(release_id)s;

-- name: by_state
SELECT release_id, name, source, state, tables FROM vehicles.release WHERE state = %(state)s;

-- name: newest_seen
-- The newest release that is live, or was and is not wanted any more.
SELECT max(name COLLATE "C") FROM vehicles.release WHERE state = 'live' OR rolled_back_at IS NOT NULL;

-- name: list
SELECT release_id, name, state, source, row_count, started_at, loaded_at, swapped_at, rolled_back_at, run_id, problem, notes
FROM vehicles.release
ORDER BY release_id DESC
LIMIT %(limit)s;

-- name: load_schemas
SELECT nspname AS schema FROM pg_namespace WHERE nspname ~ '^vpic_load_[0-9]+$' ORDER BY 1;

-- name: has_schema
SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = %(schema)s);

-- name: columns
-- One row a column of the mirror, before its rows come.
SELECT c.relname AS table_name, a.attname AS column_name, a.attnotnull AND NOT a.atthasdef AS is_needed
FROM pg_attribute AS a
JOIN pg_class AS c ON c.oid = a.attrelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = %(schema)s AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY c.relname, a.attnum;

-- name: tables
SELECT n.nspname AS schema, c.relname AS table_name
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = ANY(%(schemas)s) AND c.relkind IN ('r', 'p')
ORDER BY 1, 2;

-- name: reader_roles
SELECT rolname AS role FROM pg_roles WHERE rolname IN ('cronhouse_api', 'cronhouse_reader') ORDER BY 1;

-- name: mark_dropped
UPDATE vehicles.release SET state = 'dropped' WHERE state = 'previous';

-- name: mark_previous
UPDATE vehicles.release SET state = 'previous' WHERE state = 'live';

-- name: mark_live
UPDATE vehicles.release SET state = 'live', swapped_at = now(), rolled_back_at = NULL WHERE release_id = %(release_id)s;

-- name: mark_rolled_back
-- state is 'dropped' for a moment: only one release may be live and one previous.
UPDATE vehicles.release SET state = 'dropped', rolled_back_at = now() WHERE state = 'live' RETURNING release_id;

-- name: mark_previous_again
UPDATE vehicles.release SET state = 'previous' WHERE release_id = %(release_id)s;

-- name: swap_settings
-- A reader in a long transaction keeps its tables: rather try again than make all others wait behind us.
SELECT set_config('lock_timeout', %(lock_timeout)s, true);

-- name: read_answer
SELECT results FROM vehicles.api_staging
WHERE resource = %(resource)s AND fetched_at > now() - make_interval(secs => %(max_age)s);

-- name: write_answer
INSERT INTO vehicles.api_staging (resource, results) VALUES (%(resource)s, %(results)s)
ON CONFLICT (resource) DO UPDATE SET results = excluded.results, fetched_at = now();
