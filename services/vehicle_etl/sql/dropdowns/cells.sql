-- One row is a published WMI and a model year that a schema of it covers: what decides which patterns a VIN can match.
-- Cells with the same set_id have the same answers. Reads the mirror; read by patterns.sql and the tables that follow.
-- members: vinschema and first year of its link (the patterns' priority) in one number each.
-- specs: the schemas of vehicle specifications of the WMI's makes and type for the year.
-- seventh: of cars and light trucks the VIN's position 7 says whether the year is before 2010 (a digit) or not (a
-- letter); the other kind counts only where the WMI has no schema thirty years off.
CREATE TEMP TABLE dropdown_cell ON COMMIT DROP AS
WITH published AS (
    SELECT
        w.id AS wmi_id,
        substr(w.wmi, 4) AS suffix,
        w.vehicletypeid,
        w.vehicletypeid IN (2, 7) OR (w.vehicletypeid = 3 AND w.trucktypeid = 1) AS is_light
    FROM {schema}.wmi AS w
    WHERE w.publicavailabilitydate <= %(now)s
),
link AS (
    SELECT wmiid AS wmi_id, vinschemaid, yearfrom, coalesce(yearto, 2999) AS yearto FROM {schema}.wmi_vinschema
),
covered AS (
    SELECT DISTINCT link.wmi_id, year
    FROM link CROSS JOIN generate_series(greatest(link.yearfrom, 1950), least(link.yearto, %(limit)s + 30)) AS year
),
member AS (
    SELECT
        published.wmi_id,
        year,
        array_agg(DISTINCT link.vinschemaid::bigint * 10000 + link.yearfrom) AS members
    FROM published
    JOIN link USING (wmi_id)
    JOIN {schema}.vinschema AS s ON s.id = link.vinschemaid AND s.tobeqced IS NOT TRUE
    CROSS JOIN generate_series(greatest(link.yearfrom, 1980), least(link.yearto, %(limit)s)) AS year
    GROUP BY published.wmi_id, year
),
only_make AS (
    SELECT wmiid AS wmi_id, min(makeid) AS make_id
    FROM {schema}.wmi_make
    GROUP BY wmiid
    HAVING count(DISTINCT makeid) = 1
),
spec AS (
    SELECT s.id, s.makeid, s.vehicletypeid, y.year
    FROM {schema}.vehiclespecschema AS s
    LEFT JOIN {schema}.vehiclespecschema_year AS y ON y.vehiclespecschemaid = s.id
    WHERE s.tobeqced IS NOT TRUE
),
member_spec AS (
    SELECT member.wmi_id, member.year, array_agg(DISTINCT spec.id) AS specs
    FROM member
    JOIN published USING (wmi_id)
    JOIN {schema}.wmi_make ON wmi_make.wmiid = member.wmi_id
    JOIN spec
        ON spec.makeid = wmi_make.makeid
        AND spec.vehicletypeid = published.vehicletypeid
        AND coalesce(spec.year, member.year) = member.year
    GROUP BY member.wmi_id, member.year
),
cell AS (
    SELECT
        member.wmi_id,
        member.year,
        member.members,
        member_spec.specs,
        published.suffix,
        only_make.make_id AS only_make_id,
        CASE
            WHEN published.is_light IS NOT TRUE THEN ''
            WHEN member.year >= 2010 AND earlier.year IS NOT NULL THEN 'letter'
            WHEN member.year < 2010 AND later.year IS NOT NULL AND later.year <= %(limit)s THEN 'digit'
            ELSE ''
        END AS seventh
    FROM member
    JOIN published ON published.wmi_id = member.wmi_id
    LEFT JOIN member_spec ON member_spec.wmi_id = member.wmi_id AND member_spec.year = member.year
    LEFT JOIN only_make ON only_make.wmi_id = member.wmi_id
    LEFT JOIN covered AS earlier ON earlier.wmi_id = member.wmi_id AND earlier.year = member.year - 30
    LEFT JOIN covered AS later ON later.wmi_id = member.wmi_id AND later.year = member.year + 30
)
SELECT
    cell.wmi_id,
    cell.year::smallint AS year,
    cell.only_make_id,
    cell.members,
    cell.specs,
    cell.suffix,
    cell.seventh,
    dense_rank() OVER (ORDER BY cell.members, cell.specs, cell.suffix, cell.seventh)::integer AS set_id
FROM cell
