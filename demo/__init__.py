"""The demonstration: every workflow on sample data, with the embedded stack."""
