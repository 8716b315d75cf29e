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
    }
)
