-- One row is a combination of values that a VIN of a group can have; null where it has none. Written by dropdowns.py.
CREATE TEMP TABLE dropdown_leaf (
    group_id integer,
    model_id integer,
    trim_id integer,
    engine_id integer,
    transmission_id integer
) ON COMMIT DROP
