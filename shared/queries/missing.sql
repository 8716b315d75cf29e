-- name: first_date
SELECT min(logical_date) FROM ops.job_run WHERE workflow = %(workflow)s;

-- name: job_dates
-- One row a job and logical date that was ever started: did it ever succeed, and what its newest run says.
SELECT job, logical_date, bool_or(status = 'succeeded') AS succeeded,
       (array_agg(status ORDER BY run_id DESC))[1] AS status,
       (array_agg(reason ORDER BY run_id DESC))[1] AS reason
FROM ops.job_run
WHERE workflow = %(workflow)s AND logical_date BETWEEN %(first)s AND %(last)s
GROUP BY job, logical_date;

-- name: arrivals
SELECT source, logical_date FROM ops.arrival
WHERE pipeline = %(workflow)s AND logical_date BETWEEN %(first)s AND %(last)s;

-- name: known_sources
-- Sources that ever came to a pipeline, each with the date of the pipeline's first arrival.
SELECT source, (SELECT min(logical_date) FROM ops.arrival WHERE pipeline = %(workflow)s) AS first_date
FROM (
    SELECT source FROM ops.arrival WHERE pipeline = %(workflow)s
    UNION
    SELECT source FROM ops.pipeline_metadata WHERE pipeline = %(workflow)s
) AS known
ORDER BY source;
