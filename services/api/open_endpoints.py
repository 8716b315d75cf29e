"""The one list of endpoints that answer without a key. Every other one asks for a key of role reader at
least; a test walks all routes to prove it."""

OPEN_ENDPOINTS = frozenset(
    {
        "health.health",  # liveness probes carry no key
        "health.ready",
        "metrics.metrics",  # Prometheus scrapes inside the network; the gateway does not pass it on
        "docs.page",  # the documentation holds no data
        "docs.openapi",
        "docs.assets",
        "static",
        "console.sign_in",  # the form where a key is given
        "console.sign_in_form",
        "console.sign_out",
        "console.favicon",
        "dropdowns.years",  # published by NHTSA: what cars there are is no secret
        "dropdowns.makes",
        "dropdowns.models",
        "dropdowns.trims",
        "dropdowns.engines",
        "dropdowns.transmissions",
        "vpic.get_all_makes",  # NHTSA's own API is open, and its clients send no key
        "vpic.get_all_manufacturers",
        "vpic.get_manufacturer_details",
        "vpic.get_make_for_manufacturer",
        "vpic.get_makes_for_manufacturer_and_year",
        "vpic.get_makes_for_vehicle_type",
        "vpic.get_models_for_make",
        "vpic.get_models_for_make_id",
        "vpic.get_models_for_make_year",
        "vpic.get_models_for_make_id_year",
        "vpic.get_vehicle_types_for_make",
        "vpic.get_vehicle_types_for_make_id",
        "vpic.get_vehicle_variable_list",
        "vpic.get_vehicle_variable_values_list",
        "vpic.get_wmis_for_manufacturer",
        "vpic.get_wmis_for_vehicle_type",
        "vpic.decode_wmi",
        "vpic.get_parts",
        "vpic.get_equipment_plant_codes",
        "vpic.get_canadian_vehicle_specifications",
        "vpic_decode.decode_vin",
        "vpic_decode.decode_vin_extended",
        "vpic_decode.decode_vin_values",
        "vpic_decode.decode_vin_values_extended",
        "vpic_decode.decode_vin_values_batch",
        "vin.decode",
        "vin.decode_batch",
    }
)
