-- name: lock_loads
-- The loads that the summaries do not know; one that comes meanwhile waits for the next run.
SELECT run_id, inserted + superseded > 0 AS changed_facts
FROM retail.fact_load WHERE summarised_at IS NULL ORDER BY run_id FOR UPDATE;

-- name: unchecked_dates
-- Logical dates whose loads changed facts that the views do not show yet and that no quality run has passed since.
-- Cron starts all jobs in the same minute, so a run's number says nothing: what counts is when its work began.
SELECT DISTINCT r.logical_date
FROM retail.fact_load AS l
JOIN ops.job_run AS r USING (run_id)
WHERE l.summarised_at IS NULL AND l.inserted + l.superseded > 0
  AND NOT EXISTS (
      SELECT FROM ops.job_run AS q
      WHERE q.job = ANY(%(gates)s) AND q.logical_date = r.logical_date AND q.status = 'succeeded'
        AND q.ready_at >= coalesce(r.finished_at, l.loaded_at)
  )
ORDER BY r.logical_date;

-- name: touched_days
-- Business days and retailers that loads changed.
SELECT DISTINCT c.business_date, r.retailer_key
FROM ops.reconciliation AS c
JOIN retail.dim_retailer AS r ON r.retailer_id = c.source
WHERE c.pipeline = 'retail' AND c.run_id = ANY(%(runs)s)
ORDER BY c.business_date, r.retailer_key;

-- name: mark_summarised
UPDATE retail.fact_load SET summarised_at = now() WHERE run_id = ANY(%(runs)s);

-- name: input_state
-- What the views are made of: another with every load that changed a fact or a dimension.
SELECT count(*) || '/' || coalesce(max(run_id), 0)
FROM retail.fact_load
WHERE summarised_at IS NOT NULL AND inserted + superseded + dimensions_changed > 0;

-- name: views
-- The materialized views of the schema, with the input they were refreshed from last.
SELECT m.matviewname AS name, r.input_state, m.ispopulated AND pg_relation_size(c.oid) > 0 AS is_filled
FROM pg_matviews AS m
JOIN pg_class AS c ON c.relname = m.matviewname AND c.relnamespace = 'retail'::regnamespace
LEFT JOIN ops.view_refresh AS r ON r.view_name = 'retail.' || m.matviewname
WHERE m.schemaname = 'retail'
ORDER BY m.matviewname;

-- name: set_session
-- A concurrent refresh analyses its new rows before it compares them: a rough look will do. Index probes are priced
-- as what they cost in memory, and a second process as what it costs beside so few groups.
SELECT set_config('default_statistics_target', '1', true),
       set_config('random_page_cost', '1.1', true),
       set_config('parallel_setup_cost', '100', true),
       set_config('parallel_tuple_cost', '0.001', true);

-- name: write_refresh
INSERT INTO ops.view_refresh (view_name, input_state, run_id)
VALUES ('retail.' || %(name)s, %(input_state)s, %(run_id)s)
ON CONFLICT (view_name) DO UPDATE SET
    input_state = EXCLUDED.input_state, run_id = EXCLUDED.run_id, refreshed_at = now();
