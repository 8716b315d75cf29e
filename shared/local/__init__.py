"""The embedded stack: PostgreSQL from a wheel, a folder as object store, all under `.local`."""
