-- For this transaction alone: room for the hash tables of a load, parallel workers for them, index probes priced
-- as what they cost in memory (find_known would read every fact otherwise), times in UTC.
SELECT set_config('work_mem', '48MB', true),
       set_config('parallel_setup_cost', '100', true),
       set_config('random_page_cost', '1.1', true),
       set_config('timezone', 'UTC', true);
