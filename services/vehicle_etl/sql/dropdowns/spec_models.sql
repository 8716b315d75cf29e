-- One row is the models that a schema of vehicle specifications lists. Read by dropdown_specs.py.
SELECT vehiclespecschemaid AS schema_id, array_agg(modelid::text) AS models
FROM {schema}.vehiclespecschema_model
GROUP BY vehiclespecschemaid
