-- What cronhouse_api and cronhouse_reader may do. `cronhouse migrate` runs it after the migrations, as the
-- owner of the tables; it can be run again, and does nothing where the roles of roles.sql do not exist
-- (the embedded server, a server with roles of your own).
DO $$
DECLARE
    published text;
BEGIN
    IF (SELECT count(*) FROM pg_roles WHERE rolname IN ('cronhouse_api', 'cronhouse_reader')) < 2 THEN
        RETURN;
    END IF;
    -- every schema but the memory of the house and the work tables is published
    FOR published IN
        SELECT nspname FROM pg_namespace
        WHERE nspname !~ '^pg_' AND nspname NOT IN ('information_schema', 'public', 'ops', 'staging')
          AND nspname !~ '^vpic_load_'  -- a release gets its grants when it is swapped in
    LOOP
        EXECUTE format('GRANT USAGE ON SCHEMA %I TO cronhouse_api, cronhouse_reader', published);
        EXECUTE format('GRANT SELECT ON ALL TABLES IN SCHEMA %I TO cronhouse_api, cronhouse_reader', published);
        EXECUTE format('ALTER DEFAULT PRIVILEGES IN SCHEMA %I GRANT SELECT ON TABLES TO cronhouse_api, cronhouse_reader',
                       published);
    END LOOP;

    IF to_regclass('vehicles.garage') IS NOT NULL THEN  -- people's own vehicles: for the API alone
        REVOKE ALL ON vehicles.garage FROM cronhouse_reader;
        GRANT INSERT, UPDATE, DELETE ON vehicles.garage TO cronhouse_api;
    END IF;
    IF to_regclass('parks.import_checkpoints') IS NOT NULL THEN  -- the API asks for imports; others do them
        GRANT INSERT, UPDATE (status, wanted, problem, updated_at, finished_at) ON parks.import_checkpoints TO cronhouse_api;
    END IF;
    IF to_regclass('parks.data_quality_log') IS NOT NULL THEN
        GRANT UPDATE (status, owner, notes, resolved_at) ON parks.data_quality_log TO cronhouse_api;
    END IF;
    IF to_regclass('public._yoyo_migration') IS NOT NULL THEN
        GRANT SELECT ON public._yoyo_migration TO cronhouse_api;   -- /ready asks whether the schema is current
    END IF;
    GRANT USAGE ON SCHEMA ops TO cronhouse_api;
    GRANT SELECT ON ALL TABLES IN SCHEMA ops TO cronhouse_api;
    GRANT INSERT ON ops.audit_log, ops.run_request TO cronhouse_api;
    GRANT UPDATE (last_used_at) ON ops.api_key TO cronhouse_api;
    GRANT UPDATE (status, owner, notes, resolved_at) ON ops.data_quality_log TO cronhouse_api;
END
$$;
