-- The rest of the load in one process: find_repeated has as many groups as lines, and handing each from worker to
-- leader takes longer than to count them alone.
SELECT set_config('max_parallel_workers_per_gather', '0', true);
