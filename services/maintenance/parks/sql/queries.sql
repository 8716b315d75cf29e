-- name: growth
SELECT * FROM parks.storage_growth WHERE measured_on = %(today)s ORDER BY scope;

-- name: today
-- The day of the house is UTC, and the database tells it.
SELECT (now() AT TIME ZONE 'UTC')::date;
