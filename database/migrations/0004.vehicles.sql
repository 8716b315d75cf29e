-- Schema vehicles: what the house knows about releases of vPIC. The releases themselves live in schemas of their own,
-- which loads make and swap: vpic (live), vpic_previous, vpic_load_<release_id> (being loaded). docs/vehicles.md.

CREATE SCHEMA vehicles;
COMMENT ON SCHEMA vehicles IS 'Releases of vPIC, the vehicle catalogue of NHTSA. The live one is schema vpic, the one before it vpic_previous; loads make them.';

CREATE TABLE vehicles.release (
    release_id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name           text NOT NULL,
    source         text NOT NULL,
    state          text NOT NULL DEFAULT 'loading'
                   CHECK (state IN ('loading', 'live', 'previous', 'dropped', 'failed')),
    run_id         bigint,
    row_count      bigint NOT NULL DEFAULT 0,
    tables         jsonb NOT NULL DEFAULT '{}',
    notes          jsonb NOT NULL DEFAULT '[]',
    problem        text,
    started_at     timestamptz NOT NULL DEFAULT now(),
    loaded_at      timestamptz,
    swapped_at     timestamptz,
    rolled_back_at timestamptz
);
COMMENT ON TABLE vehicles.release IS 'One row a release of vPIC that a load began. Its tables are in schema vpic when it is live, vpic_previous when it is previous, vpic_load_<release_id> while it loads.';
COMMENT ON COLUMN vehicles.release.name IS 'Year and month of publication, 2026_08; a later release sorts after an earlier one.';
COMMENT ON COLUMN vehicles.release.source IS 'Where it was read from: a file, an address without its query string, or the database of a SQL Server.';
COMMENT ON COLUMN vehicles.release.tables IS 'Rows that the source sent, by table; a table stands here once it is loaded whole.';
COMMENT ON COLUMN vehicles.release.notes IS 'What was odd about the release and did not matter: columns and tables that were added or left out.';
COMMENT ON COLUMN vehicles.release.problem IS 'Why it failed; null when it did not.';
COMMENT ON COLUMN vehicles.release.swapped_at IS 'When it became live, the last time.';
COMMENT ON COLUMN vehicles.release.rolled_back_at IS 'When it was taken back: loads do not bring the same release again unless forced.';
CREATE UNIQUE INDEX release_live ON vehicles.release (state) WHERE state IN ('live', 'previous');
