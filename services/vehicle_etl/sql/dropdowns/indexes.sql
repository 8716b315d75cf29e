-- What the API reads by, and what the planner needs to know. Several statements: nothing is returned.
CREATE INDEX ON {schema}.dropdown_combination (model_id, year);
ALTER TABLE {schema}.dropdown_model ADD PRIMARY KEY (make_id, model_id, year);
CREATE INDEX ON {schema}.dropdown_model (model_id);
ALTER TABLE {schema}.dropdown_make ADD PRIMARY KEY (year, make_id);
ANALYZE {schema}.dropdown_combination, {schema}.dropdown_model, {schema}.dropdown_make, {schema}.dropdown_year,
{schema}.dropdown_trim, {schema}.dropdown_engine, {schema}.dropdown_transmission
