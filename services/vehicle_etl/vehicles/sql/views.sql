-- The three views of a release that lookups of private elements name (96, 97, 98): bodies, makes and models as the
-- National Center for Statistics and Analysis names them, those in force this year. One row a name. Reads defs_*.
-- SQL Server releases hold them as tables: then they are mirrored and these views are left out.

-- name: vncsabodytype
CREATE VIEW vncsabodytype AS
SELECT DISTINCT id::integer AS id, def AS name
FROM defs_body
WHERE id > 0 AND mode IN (-1, -257)
  AND extract(year FROM now()) BETWEEN from_year AND coalesce(to_year, 2999);

-- name: vncsamake
CREATE VIEW vncsamake AS
SELECT DISTINCT id::integer AS id, def AS name
FROM defs_make
WHERE id > 0 AND mode IN (-1, -257)
  AND extract(year FROM now()) BETWEEN from_year AND coalesce(to_year, 2999);

-- name: vncsamodel
CREATE VIEW vncsamodel AS
SELECT DISTINCT mo.make * 1000000 + mo.id AS id, mo.def AS name, mo.make::integer AS makeid, mo.id::integer AS originalid
FROM defs_make AS mk
JOIN defs_model AS mo ON mo.make = mk.id
WHERE mo.id > 0 AND mk.id > 0 AND mo.mode IN (-1, -257) AND mk.mode IN (-1, -257)
  AND extract(year FROM now()) BETWEEN mk.from_year AND coalesce(mk.to_year, 2999)
  AND extract(year FROM now()) BETWEEN mo.from_year AND coalesce(mo.to_year, 2999);
