-- Roles of the warehouse. Run by an administrator, as often as you like, against the database of the house:
--   SECRETS_DIR=secrets psql -v ON_ERROR_STOP=1 -d cronhouse -f database/roles.sql
-- Passwords are read from the files owner_password, job_password, api_password and reader_password
-- of SECRETS_DIR (default /run/secrets), and set anew each time. What the roles may do with the tables
-- is in grants.sql, which `cronhouse migrate` runs.
--   cronhouse_owner   owns the database and migrates it
--   cronhouse_job     runs the jobs; acts as the owner, because jobs make and drop partitions
--   cronhouse_api     reads everything, writes only what grants.sql lists
--   cronhouse_reader  BI tools: reads the published schemas
\set ON_ERROR_STOP on
SET client_min_messages = warning;
\set owner_password `cat "${SECRETS_DIR:-/run/secrets}/owner_password"`
\set job_password `cat "${SECRETS_DIR:-/run/secrets}/job_password"`
\set api_password `cat "${SECRETS_DIR:-/run/secrets}/api_password"`
\set reader_password `cat "${SECRETS_DIR:-/run/secrets}/reader_password"`
SELECT '' IN (:'owner_password', :'job_password', :'api_password', :'reader_password') AS password_missing \gset
\if :password_missing
  DO $$ BEGIN RAISE EXCEPTION 'a password file is missing or empty: run scripts/generate_env.py'; END $$;
\endif

SELECT format('CREATE ROLE %I', name)
FROM unnest(ARRAY['cronhouse_owner', 'cronhouse_job', 'cronhouse_api', 'cronhouse_reader']) AS name
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name)
\gexec

ALTER ROLE cronhouse_owner LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD :'owner_password';
ALTER ROLE cronhouse_job LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD :'job_password';
ALTER ROLE cronhouse_api LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD :'api_password';
ALTER ROLE cronhouse_reader LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD :'reader_password';

GRANT cronhouse_owner TO cronhouse_job;
ALTER ROLE cronhouse_job SET role = 'cronhouse_owner';   -- so what jobs create belongs to the owner
ALTER ROLE cronhouse_api SET statement_timeout = '30s';
ALTER ROLE cronhouse_api SET idle_in_transaction_session_timeout = '60s';
ALTER ROLE cronhouse_reader SET statement_timeout = '5min';
ALTER ROLE cronhouse_reader SET default_transaction_read_only = on;

SELECT format('ALTER DATABASE %I OWNER TO cronhouse_owner', current_database()) \gexec
SELECT format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database()) \gexec
SELECT format('GRANT CONNECT ON DATABASE %I TO cronhouse_job, cronhouse_api, cronhouse_reader', current_database()) \gexec
