-- What the drop-in for NHTSA's API reads of the live release. Field names are NHTSA's. A make or manufacturer code
-- counts from the day on which it is public. Names of makes are in upper case there, whatever the release has.

-- name: release
SELECT release_id FROM vpic.release

-- name: variables
-- One row a variable that the flat answers name.
SELECT id, code, COALESCE(isprivate, false) AS is_private, decode IS NOT NULL AS is_decoded
FROM vpic.element
WHERE code IS NOT NULL AND (decode IS NOT NULL OR groupname IS NOT NULL)
ORDER BY code COLLATE "C"

-- name: all_makes
SELECT m.id AS "Make_ID", upper(m.name) AS "Make_Name"
FROM vpic.make m
WHERE EXISTS (
    SELECT FROM vpic.wmi_make wm JOIN vpic.wmi w ON w.id = wm.wmiid
    WHERE wm.makeid = m.id AND w.publicavailabilitydate <= timezone('utc', now()))
ORDER BY m.id

-- name: manufacturers
-- One row a manufacturer. One whose codes are all still secret is left out, one without any code is not.
WITH page AS (
    SELECT f.id, f.name
    FROM vpic.manufacturer f
    WHERE (%(id)s::bigint IS NULL OR f.id = %(id)s)
      AND (%(name)s::text IS NULL OR strpos(upper(f.name), upper(%(name)s)) > 0)
      AND (EXISTS (SELECT FROM vpic.wmi w WHERE w.manufacturerid = f.id
                   AND w.publicavailabilitydate <= timezone('utc', now()))
           OR NOT EXISTS (SELECT FROM vpic.wmi w WHERE w.manufacturerid = f.id))
    ORDER BY f.id
    LIMIT %(limit)s OFFSET %(offset)s
)
SELECT p.id AS "Mfr_ID", p.name AS "Mfr_Name",
       (SELECT c.name FROM vpic.wmi w JOIN vpic.country c ON c.id = w.countryid
        WHERE w.manufacturerid = p.id AND w.publicavailabilitydate <= timezone('utc', now())
        GROUP BY c.name ORDER BY count(*) DESC, c.name LIMIT 1) AS "Country",
       ARRAY(SELECT t.name FROM vpic.wmi w JOIN vpic.vehicletype t ON t.id = w.vehicletypeid
             WHERE w.manufacturerid = p.id AND w.publicavailabilitydate <= timezone('utc', now())
             GROUP BY t.id, t.name ORDER BY t.id) AS "VehicleTypes"
FROM page p
ORDER BY p.id

-- name: makes_of_manufacturer
SELECT m.id AS "Make_ID", upper(m.name) AS "Make_Name", upper(f.name) AS "Mfr_Name"
FROM vpic.manufacturer f
JOIN vpic.manufacturer_make fm ON fm.manufacturerid = f.id
JOIN vpic.make m ON m.id = fm.makeid
WHERE (%(id)s::bigint IS NULL OR f.id = %(id)s)
  AND (%(name)s::text IS NULL OR strpos(upper(f.name), upper(%(name)s)) > 0)
  AND EXISTS (
    SELECT FROM vpic.wmi_make wm JOIN vpic.wmi w ON w.id = wm.wmiid
    WHERE wm.makeid = m.id AND w.publicavailabilitydate <= timezone('utc', now()))
ORDER BY m.id, f.id

-- name: makes_of_manufacturer_and_year
SELECT DISTINCT m.id AS "MakeId", upper(m.name) AS "MakeName", f.id AS "MfrId", upper(f.name) AS "MfrName"
FROM vpic.manufacturer f
JOIN vpic.wmi w ON w.manufacturerid = f.id AND w.publicavailabilitydate <= timezone('utc', now())
JOIN vpic.wmi_make wm ON wm.wmiid = w.id
JOIN vpic.make m ON m.id = wm.makeid
WHERE (%(id)s::bigint IS NULL OR f.id = %(id)s)
  AND (%(name)s::text IS NULL OR strpos(upper(f.name), upper(%(name)s)) > 0)
  AND (%(year)s::int IS NULL OR EXISTS (
    SELECT FROM vpic.wmi_vinschema s
    WHERE s.wmiid = w.id AND %(year)s BETWEEN s.yearfrom AND COALESCE(s.yearto, 2999)))
ORDER BY 1, 3

-- name: makes_of_vehicle_type
SELECT DISTINCT m.id AS "MakeId", upper(m.name) AS "MakeName", t.id AS "VehicleTypeId", t.name AS "VehicleTypeName"
FROM vpic.vehicletype t
JOIN vpic.wmi w ON w.vehicletypeid = t.id AND w.publicavailabilitydate <= timezone('utc', now())
JOIN vpic.wmi_make wm ON wm.wmiid = w.id
JOIN vpic.make m ON m.id = wm.makeid
WHERE strpos(upper(t.name), upper(%(vehicle_type)s)) > 0
ORDER BY 1, 3

-- name: models_of_make
SELECT DISTINCT m.id AS "Make_ID", upper(m.name) AS "Make_Name", o.id AS "Model_ID", o.name AS "Model_Name"
FROM vpic.make m
JOIN vpic.make_model mm ON mm.makeid = m.id
JOIN vpic.model o ON o.id = mm.modelid
WHERE (%(id)s::bigint IS NULL OR m.id = %(id)s)
  AND (%(name)s::text IS NULL OR strpos(upper(m.name), upper(%(name)s)) > 0)
  AND EXISTS (
    SELECT FROM vpic.wmi_make wm JOIN vpic.wmi w ON w.id = wm.wmiid
    WHERE wm.makeid = m.id AND w.publicavailabilitydate <= timezone('utc', now()))
ORDER BY 1, 3

-- name: models_of_make_and_year
-- Element 28 of a pattern is the model: a model is of a year when a schema of a code of the make in that year names it.
WITH schemas AS (
    SELECT DISTINCT m.id AS make_id, upper(m.name) AS make_name, s.vinschemaid, t.id AS type_id, t.name AS type_name
    FROM vpic.make m
    JOIN vpic.wmi_make wm ON wm.makeid = m.id
    JOIN vpic.wmi w ON w.id = wm.wmiid AND w.publicavailabilitydate <= timezone('utc', now())
    JOIN vpic.wmi_vinschema s ON s.wmiid = w.id
    LEFT JOIN vpic.vehicletype t ON t.id = w.vehicletypeid
    WHERE (%(id)s::bigint IS NULL OR m.id = %(id)s)
      AND (%(name)s::text IS NULL OR strpos(upper(m.name), upper(%(name)s)) > 0)
      AND (%(year)s::int IS NULL OR %(year)s BETWEEN s.yearfrom AND COALESCE(s.yearto, 2999))
      AND (%(vehicle_type)s::text IS NULL OR strpos(upper(t.name), upper(%(vehicle_type)s)) > 0)
), named AS (
    SELECT DISTINCT s.make_id, s.make_name, s.type_id, s.type_name, p.attributeid
    FROM schemas s
    JOIN vpic.pattern p ON p.vinschemaid = s.vinschemaid AND p.elementid = 28
)
SELECT DISTINCT n.make_id AS "Make_ID", n.make_name AS "Make_Name", o.id AS "Model_ID", o.name AS "Model_Name",
       CASE WHEN %(vehicle_type)s::text IS NOT NULL THEN n.type_id END AS "VehicleTypeId",
       CASE WHEN %(vehicle_type)s::text IS NOT NULL THEN n.type_name END AS "VehicleTypeName"
FROM named n
JOIN vpic.model o ON o.id::text = n.attributeid
JOIN vpic.make_model mm ON mm.modelid = o.id AND mm.makeid = n.make_id
ORDER BY 1, 3, 5

-- name: vehicle_types_of_make
SELECT DISTINCT m.id AS "MakeId", upper(m.name) AS "MakeName", t.id AS "VehicleTypeId", t.name AS "VehicleTypeName"
FROM vpic.make m
JOIN vpic.wmi_make wm ON wm.makeid = m.id
JOIN vpic.wmi w ON w.id = wm.wmiid AND w.publicavailabilitydate <= timezone('utc', now())
JOIN vpic.vehicletype t ON t.id = w.vehicletypeid
WHERE (%(id)s::bigint IS NULL OR m.id = %(id)s)
  AND (%(name)s::text IS NULL OR strpos(upper(m.name), upper(%(name)s)) > 0)
ORDER BY 1, 3

-- name: variable_list
SELECT datatype AS "DataType", coalesce(description, '') AS "Description", groupname AS "GroupName", id AS "ID", name AS "Name"
FROM vpic.element
WHERE decode IS NOT NULL
ORDER BY id

-- name: find_variable
-- One row a variable with a list of values that this release has.
SELECT e.name, lower(e.lookuptable) AS lookup_table
FROM vpic.element e
WHERE (%(id)s::bigint IS NULL OR e.id = %(id)s)
  AND (%(name)s::text IS NULL OR upper(e.name) = upper(%(name)s))
  AND e.decode IS NOT NULL
  AND to_regclass('vpic.' || quote_ident(lower(e.lookuptable))) IS NOT NULL
ORDER BY e.id
LIMIT 1

-- name: variable_values
SELECT %(element_name)s AS "ElementName", id AS "Id", name AS "Name" FROM {lookup_table} ORDER BY id

-- name: variable_values_make
SELECT %(element_name)s AS "ElementName", m.id AS "Id", upper(m.name) AS "Name"
FROM vpic.make m
WHERE EXISTS (
    SELECT FROM vpic.wmi_make wm JOIN vpic.wmi w ON w.id = wm.wmiid
    WHERE wm.makeid = m.id AND w.publicavailabilitydate <= timezone('utc', now()))
ORDER BY m.id

-- name: wmis_of_manufacturer
SELECT c.name AS "Country", w.createdon::date::text AS "CreatedOn",
       w.publicavailabilitydate::date::text AS "DateAvailableToPublic", f.id AS "Id", f.name AS "Name",
       w.updatedon::date::text AS "UpdatedOn", t.name AS "VehicleType", w.wmi AS "WMI"
FROM vpic.wmi w
JOIN vpic.manufacturer f ON f.id = w.manufacturerid
LEFT JOIN vpic.vehicletype t ON t.id = w.vehicletypeid
LEFT JOIN vpic.country c ON c.id = w.countryid
WHERE w.publicavailabilitydate <= timezone('utc', now())
  AND (%(id)s::bigint IS NULL OR f.id = %(id)s)
  AND (%(name)s::text IS NULL OR strpos(upper(f.name), upper(%(name)s)) > 0)
  AND (%(type_id)s::bigint IS NULL OR t.id = %(type_id)s)
  AND (%(type_name)s::text IS NULL OR strpos(upper(t.name), upper(%(type_name)s)) > 0)
ORDER BY f.name, w.publicavailabilitydate::date, w.createdon::date, w.id

-- name: wmi
-- One row a make of the code; the release knows neither common names nor parents nor web sites of manufacturers.
SELECT '' AS "CommonName", w.createdon::date::text AS "CreatedOn",
       w.publicavailabilitydate::date::text AS "DateAvailableToPublic", upper(m.name) AS "Make",
       f.name AS "ManufacturerName", '' AS "ParentCompanyName", '' AS "URL",
       w.updatedon::date::text AS "UpdatedOn", t.name AS "VehicleType"
FROM vpic.wmi w
LEFT JOIN vpic.manufacturer f ON f.id = w.manufacturerid
LEFT JOIN vpic.vehicletype t ON t.id = w.vehicletypeid
LEFT JOIN vpic.wmi_make wm ON wm.wmiid = w.id
LEFT JOIN vpic.make m ON m.id = wm.makeid
WHERE w.wmi = upper(%(wmi)s) AND w.publicavailabilitydate <= timezone('utc', now())
ORDER BY m.id
