-- One row this load: what it did, and that its processed files are still to be written.
-- Reads: load_transaction, load_contested, load_inserted, load_known.
-- Read by: processed.write_processed, views.refresh_views.
INSERT INTO retail.fact_load AS old (run_id, lines, inserted, superseded, dimensions_changed, processed_at)
SELECT %(run_id)s,
       (SELECT coalesce(sum(lines), 0) FROM load_transaction),
       %(inserted)s,
       (SELECT coalesce(sum(lines), 0) FROM load_known WHERE known_version < version),
       %(dimensions_changed)s,
       CASE WHEN %(inserted)s = 0 THEN now() END
ON CONFLICT (run_id) DO UPDATE SET
    lines = old.lines + EXCLUDED.lines,
    inserted = old.inserted + EXCLUDED.inserted,
    superseded = old.superseded + EXCLUDED.superseded,
    dimensions_changed = old.dimensions_changed + EXCLUDED.dimensions_changed,
    loaded_at = now(),
    processed_at = CASE WHEN EXCLUDED.inserted = 0 THEN old.processed_at END,
    summarised_at = NULL
RETURNING lines, inserted, superseded;
