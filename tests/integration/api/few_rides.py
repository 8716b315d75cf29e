"""A small park: two rides, twelve weeks of hourly statistics, two years of daily ones, a live board, an import."""

from shared import db

RESORT = "e957da41-3552-4cf6-b636-5babc5cbc4e5"
PARK = "75ea578a-adc8-4116-a54d-dccb60765ef9"
PIRATES, DWARFS = "352feb94-e52e-45eb-9c92-e4b44c6b1a9d", "9d4d5229-7142-44b6-b4fb-528920969a2c"

_ROWS = """
INSERT INTO parks.destinations (destination_id, name) VALUES (%(resort)s, 'Walt Disney World');
INSERT INTO parks.parks (park_id, destination_id, name, timezone)
VALUES (%(park)s, %(resort)s, 'Magic Kingdom Park', 'America/New_York');
INSERT INTO parks.rides (entity_id, park_id, name, entity_type, first_seen_at, last_seen_at) VALUES
    (%(pirates)s, %(park)s, 'Pirates of the Caribbean', 'ATTRACTION', '2018-01-01', '2019-07-31'),
    (%(dwarfs)s, %(park)s, 'Seven Dwarfs Mine Train', 'ATTRACTION', '2018-01-01', '2019-07-31');
INSERT INTO parks.live_state (ride_id, status, wait_minutes, fingerprint, recorded_at, last_polled_at, is_present)
SELECT ride_id, CASE WHEN entity_id = %(pirates)s THEN 'OPERATING' ELSE 'DOWN' END::parks.status,
       CASE WHEN entity_id = %(pirates)s THEN 35 END, '', now() - interval '10 minutes', now(), true
FROM parks.rides;
INSERT INTO parks.ride_hourly_stats (ride_id, hour_start, park_id, entity_id, local_date, local_hour, samples, min_wait,
    mean_wait, max_wait, operating_minutes, down_minutes, open_minutes, wait_sum, data_source)
SELECT ride_id, (day + make_interval(hours => hour)) AT TIME ZONE 'America/New_York', %(park)s, entity_id, day::date,
       hour, 12, 10, 20 + hour + (day::date = '2019-07-31')::integer * 15, 90, 60, 0, 60, 0, 'ARCHIVE'
FROM parks.rides, generate_series('2019-05-09'::timestamp, '2019-07-31', interval '1 day') AS day,
     generate_series(9, 21) AS hour WHERE entity_id = %(dwarfs)s;
INSERT INTO parks.ride_daily_stats (ride_id, local_date, park_id, entity_id, samples, min_wait, mean_wait, max_wait,
    operating_minutes, down_minutes, open_minutes, wait_sum, data_source)
SELECT ride_id, day::date, %(park)s, entity_id, 100, 5, 40, 90, 700, 0, 720,
       CASE extract(year FROM day) WHEN 2018 THEN 4000 ELSE 5050 END, 'ARCHIVE'
FROM parks.rides, generate_series('2018-01-01'::timestamp, '2019-07-31', interval '1 day') AS day
WHERE entity_id = %(dwarfs)s;
INSERT INTO parks.import_checkpoints (source, destination_id, status, files_total, files_done, bytes_total, bytes_done,
    events, imported, duplicates, rejected, requested_by, started_at)
VALUES ('s3://archive.themeparks.wiki', %(resort)s, 'IN_PROGRESS', 1097, 274, 9000000, 2250000, 200000, 199990, 8, 2,
        'test', now());
"""


def load_few_rides(conn: db.Connection) -> None:
    """Write the rows and commit."""
    values = {"resort": RESORT, "park": PARK, "pirates": PIRATES, "dwarfs": DWARFS}
    with db.transaction(conn):
        db.execute(conn, _ROWS, values)
