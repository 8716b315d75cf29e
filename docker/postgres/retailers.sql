-- Role and databases of the three simulated retailers: the outside world, on the same server only to keep
-- the stack small. Run by an administrator, as often as you like; see database/roles.sql for the password.
\set ON_ERROR_STOP on
\set password `cat "${SECRETS_DIR:-/run/secrets}/retailers_password"`
SELECT 'CREATE ROLE retailers' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'retailers') \gexec
ALTER ROLE retailers LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD :'password';
SELECT format('CREATE DATABASE %I OWNER retailers', name)
FROM unnest(ARRAY['retailer_1', 'retailer_2', 'retailer_3']) AS name
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = name)
\gexec
SELECT format('REVOKE ALL ON DATABASE %I FROM PUBLIC', name)
FROM unnest(ARRAY['retailer_1', 'retailer_2', 'retailer_3']) AS name
\gexec
