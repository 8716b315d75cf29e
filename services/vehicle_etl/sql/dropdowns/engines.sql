-- One row is an engine as a VIN tells it. Its number comes from its content, so that it is the same in every release.
-- Read by the API.
CREATE TABLE {schema}.dropdown_engine (
    engine_id integer PRIMARY KEY,
    name text NOT NULL,
    engine_model text,
    displacement_litres text,
    cylinders text,
    fuel_type text
)
