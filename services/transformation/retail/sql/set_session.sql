-- For this transaction alone: room for the hash tables of a load; index probes priced as what they cost in memory
-- (find_known would read every fact otherwise); times in UTC; the grouping of the batch and the indexes of new months
-- in two processes, since rows of a transaction stand together and few groups come out of each.
SELECT set_config('work_mem', '48MB', true),
       set_config('random_page_cost', '1.1', true),
       set_config('timezone', 'UTC', true),
       set_config('max_parallel_workers_per_gather', '1', true),
       set_config('max_parallel_maintenance_workers', '1', true),
       set_config('parallel_setup_cost', '100', true),
       set_config('parallel_tuple_cost', '0.001', true);
