-- name: touched_dates
-- The business days in the ledger of the runs of the logical date, and of those that landed or loaded something of it.
SELECT DISTINCT business_date
FROM ops.reconciliation
WHERE pipeline = 'retail'
  AND run_id IN (
      SELECT run_id FROM ops.job_run WHERE workflow = 'retail' AND logical_date = %(date)s
      UNION
      SELECT run_id FROM ops.arrival WHERE pipeline = 'retail' AND logical_date = %(date)s
      UNION
      SELECT loaded_run_id FROM ops.loaded_object
      WHERE dataset = 'retail/raw' AND logical_date = %(date)s AND loaded_run_id IS NOT NULL
  );

-- name: elsewhere
SELECT EXISTS (
    SELECT FROM ops.reconciliation
    WHERE pipeline = 'retail' AND fact_rows > 0 AND business_date <> ALL(%(dates)s::date[])
);
