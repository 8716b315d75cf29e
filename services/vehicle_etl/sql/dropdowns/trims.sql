-- One row is a trim level. Its number comes from its name, so that it is the same in every release. Read by the API.
CREATE TABLE {schema}.dropdown_trim (
    trim_id integer PRIMARY KEY,
    name text NOT NULL
)
