-- Reads of dropdowns.py, from the live release of vPIC. A parameter that is null does not filter; one that is
-- wanted by number or by name comes as text.

-- name: version
-- Which release is live: its answers hold until another one is.
SELECT release_id::text FROM vpic.release;

-- name: has_year
SELECT EXISTS (SELECT FROM vpic.dropdown_year WHERE year = %(year)s);

-- name: find_make
SELECT id, bool_or(by_id) AS by_id
FROM (
    SELECT make.id, make.id::text = %(wanted)s AS by_id
    FROM vpic.make
    WHERE make.id::text = %(wanted)s OR lower(btrim(make.name)) = lower(%(wanted)s)
) AS named
WHERE EXISTS (
    SELECT FROM vpic.dropdown_make AS offered
    WHERE offered.make_id = named.id AND (%(year)s::integer IS NULL OR offered.year = %(year)s)
)
GROUP BY id;

-- name: find_model
SELECT id, bool_or(by_id) AS by_id
FROM (
    SELECT model.id, model.id::text = %(wanted)s AS by_id
    FROM vpic.model
    WHERE model.id::text = %(wanted)s OR lower(btrim(model.name)) = lower(%(wanted)s)
) AS named
WHERE EXISTS (
    SELECT FROM vpic.dropdown_model AS offered
    WHERE offered.model_id = named.id
        AND (%(year)s::integer IS NULL OR offered.year = %(year)s)
        AND (%(make)s::integer[] IS NULL OR offered.make_id = ANY(%(make)s))
)
GROUP BY id;

-- name: find_trim
SELECT DISTINCT trim_id AS id, trim_id::text = %(wanted)s AS by_id
FROM vpic.dropdown_combination
JOIN vpic.dropdown_trim USING (trim_id)
WHERE model_id = ANY(%(model)s)
    AND (%(year)s::integer IS NULL OR year = %(year)s)
    AND (trim_id::text = %(wanted)s OR lower(name) = lower(%(wanted)s));

-- name: find_engine
SELECT DISTINCT engine_id AS id, engine_id::text = %(wanted)s AS by_id
FROM vpic.dropdown_combination
JOIN vpic.dropdown_engine USING (engine_id)
WHERE model_id = ANY(%(model)s)
    AND (%(year)s::integer IS NULL OR year = %(year)s)
    AND (%(trim)s::integer[] IS NULL OR trim_id = ANY(%(trim)s))
    AND (engine_id::text = %(wanted)s OR lower(name) = lower(%(wanted)s));

-- name: years
SELECT year AS "ModelYear" FROM vpic.dropdown_year;

-- name: makes
SELECT make.id AS "Make_ID", btrim(make.name) AS "Make_Name"
FROM vpic.make
WHERE make.id IN (
    SELECT make_id FROM vpic.dropdown_make WHERE %(year)s::integer IS NULL OR year = %(year)s
);

-- name: models
SELECT DISTINCT
    make.id AS "Make_ID",
    btrim(make.name) AS "Make_Name",
    model.id AS "Model_ID",
    btrim(model.name) AS "Model_Name"
FROM vpic.dropdown_model AS offered
JOIN vpic.make ON make.id = offered.make_id
JOIN vpic.model ON model.id = offered.model_id
WHERE offered.make_id = ANY(%(make)s) AND (%(year)s::integer IS NULL OR offered.year = %(year)s);

-- name: trims
SELECT DISTINCT trim_id AS "Trim_ID", name AS "Trim"
FROM vpic.dropdown_combination
JOIN vpic.dropdown_trim USING (trim_id)
WHERE model_id = ANY(%(model)s) AND (%(year)s::integer IS NULL OR year = %(year)s);

-- name: engines
SELECT DISTINCT
    engine_id AS "Engine_ID",
    name AS "Engine_Name",
    engine_model AS "EngineModel",
    displacement_litres AS "DisplacementL",
    cylinders AS "EngineCylinders",
    fuel_type AS "FuelTypePrimary"
FROM vpic.dropdown_combination
JOIN vpic.dropdown_engine USING (engine_id)
WHERE model_id = ANY(%(model)s)
    AND (%(year)s::integer IS NULL OR year = %(year)s)
    AND (%(trim)s::integer[] IS NULL OR trim_id = ANY(%(trim)s));

-- name: transmissions
SELECT DISTINCT
    transmission_id AS "Transmission_ID",
    name AS "Transmission_Name",
    style AS "TransmissionStyle",
    speeds AS "TransmissionSpeeds"
FROM vpic.dropdown_combination
JOIN vpic.dropdown_transmission USING (transmission_id)
WHERE model_id = ANY(%(model)s)
    AND (%(year)s::integer IS NULL OR year = %(year)s)
    AND (%(trim)s::integer[] IS NULL OR trim_id = ANY(%(trim)s))
    AND (%(engine)s::integer[] IS NULL OR engine_id = ANY(%(engine)s));
