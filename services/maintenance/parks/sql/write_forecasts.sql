-- One row today, scope and horizon (`horizons` days) into parks.storage_forecast, where growth is known.
INSERT INTO parks.storage_forecast (made_on, scope, target_on, bytes_per_day, days_used, total_bytes, forecast_bytes)
SELECT g.measured_on, g.scope, g.measured_on + h.days, g.bytes_per_day, g.days_used, g.total_bytes,
       greatest(g.total_bytes + g.bytes_per_day * h.days, 0)
FROM parks.storage_growth AS g
CROSS JOIN unnest(%(horizons)s) AS h (days)
WHERE g.measured_on = %(today)s AND g.bytes_per_day IS NOT NULL
ON CONFLICT (made_on, scope, target_on) DO UPDATE SET
    bytes_per_day = excluded.bytes_per_day, days_used = excluded.days_used, total_bytes = excluded.total_bytes,
    forecast_bytes = excluded.forecast_bytes;
