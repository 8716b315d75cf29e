-- One row a snapshot of the object; moment is milliseconds since 1970 UTC.
COPY staged_snapshot (ride_id, moment, status, wait_minutes, has_standby) FROM STDIN;
