-- One row a load that inserted facts and whose processed files are not written yet.
-- Read by: processed.write_processed, which holds the rows until it has registered the files.
SELECT run_id FROM retail.fact_load WHERE processed_at IS NULL ORDER BY run_id FOR UPDATE SKIP LOCKED;
