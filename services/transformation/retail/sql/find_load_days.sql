-- One row a business day on which a load may have inserted facts.
SELECT DISTINCT business_date FROM ops.reconciliation
WHERE pipeline = 'retail' AND run_id = %(run_id)s ORDER BY business_date;
