-- One row is a combination that some VIN of a model year can have; null where that VIN has no value. Models without a
-- make are left out, as the decoder gives such vehicles none. Reads dropdown_cell, dropdown_found and dropdown_leaf;
-- read by the API, by model and year.
CREATE TABLE {schema}.dropdown_combination AS
WITH group_year AS (
    SELECT DISTINCT dropdown_found.group_id, dropdown_cell.year
    FROM dropdown_cell
    JOIN dropdown_found USING (set_id)
)
SELECT DISTINCT
    leaf.model_id,
    group_year.year,
    leaf.trim_id,
    leaf.engine_id,
    leaf.transmission_id
FROM dropdown_leaf AS leaf
JOIN group_year USING (group_id)
WHERE
    leaf.model_id IN (SELECT id FROM {schema}.model)
    AND leaf.model_id IN (SELECT mm.modelid FROM {schema}.make_model AS mm JOIN {schema}.make ON make.id = mm.makeid)
ORDER BY leaf.model_id, group_year.year
