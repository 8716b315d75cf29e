-- One row a park, local date and stretch of hours. What a source says of a date replaces what was there, from whatever
-- source, and is its own from then on also where it is the same; what the same source said of other dates of the range
-- and says no more, goes. Dates whose hours changed are marked for the statistics.
WITH given AS (
    SELECT DISTINCT ON (park_id, local_date, kind, opens_at) *
    FROM jsonb_to_recordset(%(rows)s::jsonb) AS listed
        (park_id uuid, local_date date, kind text, opens_at timestamptz, closes_at timestamptz, description text, number integer)
    ORDER BY park_id, local_date, kind, opens_at, number DESC
), gone AS (
    DELETE FROM parks.opening_hours AS old
    WHERE ((old.park_id = %(park_id)s::uuid AND old.local_date BETWEEN %(first)s AND %(last)s AND old.source = %(source)s)
           OR (old.park_id, old.local_date) IN (SELECT park_id, local_date FROM given))
      AND (old.park_id, old.local_date, old.kind, old.opens_at)
          NOT IN (SELECT park_id, local_date, kind, opens_at FROM given)
    RETURNING park_id, local_date
), put AS (
    INSERT INTO parks.opening_hours AS old (park_id, local_date, kind, opens_at, closes_at, description, source)
    SELECT park_id, local_date, kind, opens_at, closes_at, description, %(source)s FROM given
    ORDER BY park_id, local_date, kind, opens_at
    ON CONFLICT (park_id, local_date, kind, opens_at) DO UPDATE
    SET closes_at = excluded.closes_at, description = excluded.description, source = excluded.source, fetched_at = now()
    WHERE (old.closes_at, old.description, old.source)
          IS DISTINCT FROM (excluded.closes_at, excluded.description, excluded.source)
    RETURNING park_id, local_date, kind, opens_at, closes_at, description
), marked AS (
    INSERT INTO parks.dirty_day (park_id, local_date)
    SELECT park_id, local_date FROM gone
    UNION
    SELECT park_id, local_date FROM put
    WHERE NOT EXISTS (  -- as it was before this statement: nothing but its source changed
        SELECT FROM parks.opening_hours AS old
        WHERE (old.park_id, old.local_date, old.kind, old.opens_at, old.closes_at, old.description)
              = (put.park_id, put.local_date, put.kind, put.opens_at, put.closes_at, put.description))
    ORDER BY 1, 2
    ON CONFLICT (park_id, local_date) DO UPDATE SET marked_at = clock_timestamp()
    RETURNING 1
)
SELECT count(*) FROM marked;
