-- One row is a set of schemas: its members as in dropdown_cell, the schemas of vehicle specifications that its vehicles
-- may follow, and what a VIN of it has at some places. Reads dropdown_cell; read by dropdown_sets.py.
SELECT DISTINCT ON (set_id) set_id, members, specs, suffix, seventh FROM dropdown_cell ORDER BY set_id
