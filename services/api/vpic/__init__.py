"""The drop-in for NHTSA's vPIC web API under /api/vehicles: its paths, parameters, formats and field names."""
