-- One row is an observation of a check of a release: check_name, subject, observed, note. Run with the search path on
-- the release's schema. `counts` are the rows of its tables, `sent` what the source sent, `before` the rows of
-- the live release, each as {"table": rows}. Reads the release once, and nothing else. Read by verify.py.
WITH counted AS (
    SELECT key AS table_name, value::bigint AS rows FROM jsonb_each_text(%(counts)s::jsonb)
),
sent AS (
    SELECT key AS table_name, value::bigint AS rows FROM jsonb_each_text(%(sent)s::jsonb)
),
live AS (
    SELECT key AS table_name, value::bigint AS rows FROM jsonb_each_text(%(before)s::jsonb)
),
orphans (subject, rows) AS (
    -- foreign keys that the release itself declares
    SELECT 'wmi.manufacturerid', count(*) FROM wmi AS c
    WHERE c.manufacturerid IS NOT NULL AND NOT EXISTS (SELECT FROM manufacturer AS p WHERE p.id = c.manufacturerid)
    UNION ALL
    SELECT 'wmi.vehicletypeid', count(*) FROM wmi AS c
    WHERE c.vehicletypeid IS NOT NULL AND NOT EXISTS (SELECT FROM vehicletype AS p WHERE p.id = c.vehicletypeid)
    UNION ALL
    SELECT 'wmi_make.wmiid', count(*) FROM wmi_make AS c
    WHERE NOT EXISTS (SELECT FROM wmi AS p WHERE p.id = c.wmiid)
    UNION ALL
    SELECT 'wmi_make.makeid', count(*) FROM wmi_make AS c
    WHERE NOT EXISTS (SELECT FROM make AS p WHERE p.id = c.makeid)
    UNION ALL
    SELECT 'wmi_vinschema.wmiid', count(*) FROM wmi_vinschema AS c
    WHERE NOT EXISTS (SELECT FROM wmi AS p WHERE p.id = c.wmiid)
    UNION ALL
    SELECT 'wmi_vinschema.vinschemaid', count(*) FROM wmi_vinschema AS c
    WHERE NOT EXISTS (SELECT FROM vinschema AS p WHERE p.id = c.vinschemaid)
    UNION ALL
    SELECT 'pattern.vinschemaid', count(*) FROM pattern AS c
    WHERE NOT EXISTS (SELECT FROM vinschema AS p WHERE p.id = c.vinschemaid)
    UNION ALL
    SELECT 'pattern.elementid', count(*) FROM pattern AS c
    WHERE NOT EXISTS (SELECT FROM element AS p WHERE p.id = c.elementid)
    UNION ALL
    SELECT 'make_model.makeid', count(*) FROM make_model AS c
    WHERE NOT EXISTS (SELECT FROM make AS p WHERE p.id = c.makeid)
    UNION ALL
    SELECT 'make_model.modelid', count(*) FROM make_model AS c
    WHERE NOT EXISTS (SELECT FROM model AS p WHERE p.id = c.modelid)
    UNION ALL
    SELECT 'enginemodelpattern.enginemodelid', count(*) FROM enginemodelpattern AS c
    WHERE NOT EXISTS (SELECT FROM enginemodel AS p WHERE p.id = c.enginemodelid)
    UNION ALL
    SELECT 'defaultvalue.elementid', count(*) FROM defaultvalue AS c
    WHERE NOT EXISTS (SELECT FROM element AS p WHERE p.id = c.elementid)
    UNION ALL
    SELECT 'vspecschemapattern.schemaid', count(*) FROM vspecschemapattern AS c
    WHERE NOT EXISTS (SELECT FROM vehiclespecschema AS p WHERE p.id = c.schemaid)
    UNION ALL
    SELECT 'vehiclespecpattern.elementid', count(*) FROM vehiclespecpattern AS c
    WHERE NOT EXISTS (SELECT FROM element AS p WHERE p.id = c.elementid)
),
loose (subject, rows) AS (
    -- keys that it does not declare; a few always lead nowhere
    SELECT 'manufacturer_make.manufacturerid', count(*) FROM manufacturer_make AS c
    WHERE NOT EXISTS (SELECT FROM manufacturer AS p WHERE p.id = c.manufacturerid)
    UNION ALL
    SELECT 'manufacturer_make.makeid', count(*) FROM manufacturer_make AS c
    WHERE NOT EXISTS (SELECT FROM make AS p WHERE p.id = c.makeid)
    UNION ALL
    SELECT 'enginemodelpattern.elementid', count(*) FROM enginemodelpattern AS c
    WHERE NOT EXISTS (SELECT FROM element AS p WHERE p.id = c.elementid)
    UNION ALL
    SELECT 'vehiclespecschema.makeid', count(*) FROM vehiclespecschema AS c
    WHERE NOT EXISTS (SELECT FROM make AS p WHERE p.id = c.makeid)
    UNION ALL
    SELECT 'vehiclespecschema_model.vehiclespecschemaid', count(*) FROM vehiclespecschema_model AS c
    WHERE NOT EXISTS (SELECT FROM vehiclespecschema AS p WHERE p.id = c.vehiclespecschemaid)
    UNION ALL
    SELECT 'vehiclespecschema_model.modelid', count(*) FROM vehiclespecschema_model AS c
    WHERE NOT EXISTS (SELECT FROM model AS p WHERE p.id = c.modelid)
    UNION ALL
    SELECT 'vehiclespecschema_year.vehiclespecschemaid', count(*) FROM vehiclespecschema_year AS c
    WHERE NOT EXISTS (SELECT FROM vehiclespecschema AS p WHERE p.id = c.vehiclespecschemaid)
    UNION ALL
    SELECT 'vehiclespecpattern.vspecschemapatternid', count(*) FROM vehiclespecpattern AS c
    WHERE NOT EXISTS (SELECT FROM vspecschemapattern AS p WHERE p.id = c.vspecschemapatternid)
),
years (subject, rows) AS (
    SELECT 'wmi_vinschema.yearfrom', count(*) FROM wmi_vinschema
    WHERE yearfrom NOT BETWEEN %(first_year)s AND %(last_year)s
    UNION ALL
    SELECT 'wmi_vinschema.yearto', count(*) FROM wmi_vinschema
    WHERE yearto NOT BETWEEN %(first_year)s AND %(last_year)s
    UNION ALL
    SELECT 'wmi_vinschema.yearto before yearfrom', count(*) FROM wmi_vinschema WHERE yearto < yearfrom
    UNION ALL
    SELECT 'vehiclespecschema_year.year', count(*) FROM vehiclespecschema_year
    WHERE year NOT BETWEEN %(first_year)s AND %(last_year)s
    UNION ALL
    SELECT 'vindescriptor.modelyear', count(*) FROM vindescriptor
    WHERE modelyear NOT BETWEEN %(first_year)s AND %(last_year)s
    UNION ALL
    SELECT 'wmiyearvalidchars.year', count(*) FROM wmiyearvalidchars
    WHERE year NOT BETWEEN %(first_year)s AND %(last_year)s
)
SELECT 'row_counts' AS check_name, s.table_name AS subject,
       abs(s.rows - coalesce(c.rows, 0))::numeric AS observed,
       format('sent %%s, there are %%s', s.rows, coalesce(c.rows, 0)) AS note
FROM sent AS s LEFT JOIN counted AS c USING (table_name)
UNION ALL
SELECT 'empty_tables', table_name, 1, NULL
FROM counted WHERE rows = 0 AND table_name = ANY(%(needed)s::text[])
UNION ALL
SELECT 'lost_rows', l.table_name, greatest(0, l.rows - coalesce(c.rows, 0))::numeric / l.rows,
       format('%%s, live %%s', coalesce(c.rows, 0), l.rows)
FROM live AS l LEFT JOIN counted AS c USING (table_name)
WHERE l.rows >= %(lost_rows_min_rows)s
UNION ALL
SELECT 'orphan_keys', subject, rows, NULL FROM orphans
UNION ALL
SELECT 'loose_keys', subject, rows, NULL FROM loose
UNION ALL
SELECT 'missing_lookups', lookuptable, count(*), 'element ' || string_agg(id::text, ', ' ORDER BY id)
FROM element
WHERE lookuptable <> '' AND to_regclass(quote_ident(lower(lookuptable))) IS NULL
GROUP BY lookuptable
UNION ALL
SELECT 'makes_without_models', NULL,
       count(*) FILTER (WHERE NOT EXISTS (SELECT FROM make_model AS mm WHERE mm.makeid = m.id))::numeric
           / nullif(count(*), 0), NULL
FROM make AS m
UNION ALL
SELECT 'years_out_of_range', subject, rows, NULL FROM years;
