-- name: last_run
-- The run of the job that began last, and the release that is live now.
SELECT j.run_id, j.rows_written, j.reason, (SELECT name FROM vehicles.release WHERE state = 'live') AS release
FROM ops.job_run AS j
WHERE j.job = 'vehicles_load'
ORDER BY j.run_id DESC
LIMIT 1;

-- name: load
-- The run that brought the live release: rows, and seconds of its stages.
SELECT r.name AS release, r.row_count AS rows, (SELECT count(*) FROM jsonb_object_keys(r.tables)) AS tables,
       (j.stage_seconds ->> 'copy')::numeric(9, 1) AS copy,
       (j.stage_seconds ->> 'indexes')::numeric(9, 1) AS indexes,
       (j.stage_seconds ->> 'decoder')::numeric(9, 1) AS decoder,
       (j.stage_seconds ->> 'dropdowns')::numeric(9, 1) AS dropdowns,
       (j.stage_seconds ->> 'verify')::numeric(9, 1) AS verify,
       (j.stage_seconds ->> 'swap')::numeric(9, 1) AS swap
FROM vehicles.release AS r
LEFT JOIN ops.job_run AS j ON j.run_id = r.run_id
WHERE r.state = 'live';

-- name: dropdowns
SELECT (SELECT count(*) FROM vpic.dropdown_year) AS years,
       (SELECT count(DISTINCT make_id) FROM vpic.dropdown_make) AS makes,
       (SELECT count(DISTINCT model_id) FROM vpic.dropdown_model) AS models,
       (SELECT count(*) FROM vpic.dropdown_trim) AS trims,
       (SELECT count(*) FROM vpic.dropdown_engine) AS engines,
       (SELECT count(*) FROM vpic.dropdown_transmission) AS transmissions,
       (SELECT count(*) FROM vpic.dropdown_combination) AS combinations;
