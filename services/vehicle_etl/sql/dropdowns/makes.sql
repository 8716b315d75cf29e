-- One row is a make in a model year: the makes of the models, and the only make of a WMI where a VIN can be without
-- model. Reads dropdown_model, dropdown_cell, dropdown_found; read by the API.
CREATE TABLE {schema}.dropdown_make AS
SELECT year, make_id FROM {schema}.dropdown_model
UNION
SELECT dropdown_cell.year, dropdown_cell.only_make_id
FROM dropdown_cell
JOIN dropdown_found USING (set_id)
JOIN {schema}.make ON make.id = dropdown_cell.only_make_id
WHERE dropdown_found.lacks_model
