-- For this transaction alone: room for the hash tables of a load, parallel workers for them, times in UTC.
SELECT set_config('work_mem', '128MB', true),
       set_config('parallel_setup_cost', '100', true),
       set_config('timezone', 'UTC', true);
