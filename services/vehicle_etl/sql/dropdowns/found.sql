-- What was found for a set of schemas: sets with the same answers share a group. Written by dropdowns.py.
CREATE TEMP TABLE dropdown_found (set_id integer, group_id integer, lacks_model boolean) ON COMMIT DROP
