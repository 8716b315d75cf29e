-- Says that the processed files of a load are registered.
UPDATE retail.fact_load SET processed_at = now() WHERE run_id = %(run_id)s;
