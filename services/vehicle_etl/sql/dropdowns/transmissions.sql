-- One row is a transmission as a VIN tells it. Its number comes from its content, so that it is the same in every
-- release. Read by the API.
CREATE TABLE {schema}.dropdown_transmission (
    transmission_id integer PRIMARY KEY,
    name text NOT NULL,
    style text,
    speeds text
)
