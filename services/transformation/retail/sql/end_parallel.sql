-- The rest of the load in one process: it inserts, which only one process may, or reads small tables, for which
-- starting another takes longer than it saves.
SELECT set_config('max_parallel_workers_per_gather', '0', true);
