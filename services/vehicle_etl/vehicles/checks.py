"""The checks of a vPIC release before it is swapped in. Severities and limits stand in workflows/vehicles.yml."""

from shared.quality_rules import Check

TABLES = "vpic"
FIRST_YEAR = 1980  # the 17-character VIN began with model year 1981
YEARS_AHEAD = 3  # makers file patterns for the model years after the next one

CATALOGUE = {
    "row_counts": Check(TABLES, "rows of a table more or fewer than the source sent"),
    "empty_tables": Check(TABLES, "tables without a row that decoding needs"),
    "lost_rows": Check(
        TABLES, "share of a table's rows of the live release that are gone", ("max_share",), ("min_rows",)
    ),
    "orphan_keys": Check(TABLES, "rows whose key leads nowhere, where the release declares a foreign key"),
    "loose_keys": Check(TABLES, "rows whose key leads nowhere, where the release declares none"),
    "missing_lookups": Check(TABLES, "elements whose lookup table is missing"),
    "makes_without_models": Check(TABLES, "share of makes without a model", ("max_share",)),
    "decoded_changes": Check(
        TABLES, "share of sample VINs that the live release decodes differently", ("max_share",)
    ),
    "decoded_worse": Check(
        TABLES, "share of sample VINs with an error that the live release does not give", ("max_share",)
    ),
    "years_out_of_range": Check(TABLES, f"years before {FIRST_YEAR} or more than {YEARS_AHEAD} years ahead"),
}

# Tables that may not be empty.
NEEDED_ROWS = (
    "wmi", "wmi_make", "wmi_vinschema", "vinschema", "pattern", "element", "make", "model", "make_model",
    "manufacturer", "vehicletype", "enginemodel", "enginemodelpattern", "defaultvalue", "errorcode",
    "vehiclespecschema", "vehiclespecschema_model", "vehiclespecschema_year", "vspecschemapattern",
    "vehiclespecpattern", "wmiyearvalidchars", "manufacturer_make", "country",
)  # fmt: skip
