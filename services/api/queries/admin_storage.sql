-- Reads of admin_storage.py.

-- name: newest_growth
SELECT measured_on, scope, total_bytes, bytes_per_day, days_used, earlier_bytes_per_day, capacity_bytes,
       round(100.0 * total_bytes / capacity_bytes, 2) AS used_percent, days_until_full, note
FROM parks.storage_growth
WHERE measured_on = (SELECT max(measured_on) FROM parks.storage_growth)
ORDER BY total_bytes DESC;

-- name: relations
-- One row a table of schema parks as measured last, partitions summed.
SELECT relation, partitions, row_estimate, table_bytes, index_bytes, total_bytes
FROM ops.storage_metrics
WHERE measured_on = (SELECT max(measured_on) FROM ops.storage_metrics) AND relation LIKE 'parks.%%'
ORDER BY total_bytes DESC;

-- name: growth
SELECT measured_on, total_bytes, bytes_per_day, days_used, days_until_full, note
FROM parks.storage_growth
WHERE scope = %(scope)s
  AND (%(from)s::date IS NULL OR measured_on >= %(from)s) AND (%(to)s::date IS NULL OR measured_on <= %(to)s)
ORDER BY measured_on DESC
LIMIT %(limit)s;

-- name: forecasts
-- error_percent: forecast against what came, without imports and dropped partitions; null until it came.
SELECT made_on, target_on, bytes_per_day, total_bytes, forecast_bytes, actual_bytes, import_bytes,
       round(100.0 * (forecast_bytes - (actual_bytes - import_bytes)) / nullif(actual_bytes - import_bytes, 0), 2)
           AS error_percent
FROM parks.storage_forecast
WHERE scope = %(scope)s
  AND (%(from)s::date IS NULL OR made_on >= %(from)s) AND (%(to)s::date IS NULL OR made_on <= %(to)s)
ORDER BY made_on DESC, target_on
LIMIT %(limit)s;

-- name: partitions
SELECT table_name, partition, first_day, next_day, row_estimate, table_bytes, index_bytes, total_bytes
FROM parks.storage_partitions
WHERE %(table)s::text IS NULL OR table_name = %(table)s
ORDER BY first_day DESC, table_name
LIMIT %(limit)s OFFSET %(offset)s;

-- name: strategies
SELECT measured_on, strategy, title, today_bytes, in_1_year, in_5_years, note
FROM parks.storage_strategy
WHERE measured_on = (SELECT max(measured_on) FROM parks.storage_strategy)
ORDER BY today_bytes DESC NULLS LAST, strategy;

-- name: alerts
SELECT alert_id, incident, severity, title, reason, look_closer, times_seen, opened_at, resolved_at,
       CASE WHEN resolved_at IS NULL THEN 'open' ELSE 'resolved' END AS state
FROM ops.alert
WHERE (incident LIKE 'storage\_used:%%' OR incident LIKE 'storage\_growth:%%')
  AND (%(state)s::text IS NULL OR (resolved_at IS NULL) = (%(state)s = 'open'))
ORDER BY alert_id DESC
LIMIT %(limit)s OFFSET %(offset)s;
