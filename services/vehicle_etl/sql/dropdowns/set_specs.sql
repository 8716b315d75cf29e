-- One row is a set with the schemas of vehicle specifications that its vehicles may follow. Read by dropdowns.py.
SELECT DISTINCT set_id, specs FROM dropdown_cell WHERE specs IS NOT NULL
