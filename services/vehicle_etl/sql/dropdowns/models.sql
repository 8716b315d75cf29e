-- One row is a model of a make in a model year. Reads dropdown_combination and the mirror; read by the API.
CREATE TABLE {schema}.dropdown_model AS
WITH model_year AS (
    SELECT DISTINCT model_id, year FROM {schema}.dropdown_combination
)
SELECT DISTINCT model_year.year, make_model.makeid AS make_id, model_year.model_id
FROM model_year
JOIN {schema}.make_model ON make_model.modelid = model_year.model_id
JOIN {schema}.make ON make.id = make_model.makeid
