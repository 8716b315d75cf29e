-- One row is a model year that has makes. Reads dropdown_make; read by the API.
CREATE TABLE {schema}.dropdown_year AS
SELECT DISTINCT year FROM {schema}.dropdown_make
