-- Issues of parks that are no longer stale or frozen.
UPDATE parks.data_quality_log AS l
SET status = 'resolved', resolved_at = now()
WHERE l.kind IN ('STALE', 'FROZEN') AND l.status IN ('open', 'acknowledged')
  AND NOT EXISTS (
      SELECT FROM parks.freshness(%(now)s, %(stale_parks_minutes)s, %(frozen_parks_minutes)s) AS f
      WHERE f.park_id::text = l.subject AND upper(f.state) = l.kind);
