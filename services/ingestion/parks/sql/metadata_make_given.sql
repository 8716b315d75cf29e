-- One row a described entity. Temporary: a run keeps it between destinations, each transaction leaves it empty. Read
-- by the other metadata_*.sql.
CREATE TEMPORARY TABLE IF NOT EXISTS given_metadata (
    ride_id                     integer PRIMARY KEY,
    latitude                    double precision,
    longitude                   double precision,
    min_height_cm               smallint,
    min_height_unaccompanied_cm smallint,
    max_height_cm               smallint,
    entity_type                 text,
    attraction_type             text,
    is_indoor                   boolean,
    tags                        jsonb NOT NULL,
    attributes                  jsonb NOT NULL,
    completeness                numeric(5, 2) NOT NULL,
    fingerprint                 text NOT NULL
) ON COMMIT DELETE ROWS;
