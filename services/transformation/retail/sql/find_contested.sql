-- One row a transaction that not every staged line of may become a fact: it came in several versions, in several
-- chunks, of which a second may hold a line again, or is known. `version` is the one to keep. Few in an ordinary
-- batch: all others need no ON CONFLICT, which costs as much again as the insert itself (bench/star_load.py). One
-- too many does no harm: what nothing conflicts with is inserted all the same.
-- Reads: load_version, load_known. Read by: count_expected, insert_new, insert_contested, write_ledger.
CREATE TEMP TABLE load_contested ON COMMIT DROP AS
SELECT retailer_id, transaction_id, max(version) AS version
FROM (
    SELECT retailer_id, transaction_id, version FROM load_version
    WHERE first_version < version OR first_chunk < last_chunk
    UNION ALL
    SELECT retailer_id, transaction_id, greatest(version, known_version) FROM load_known
) AS reasons
GROUP BY retailer_id, transaction_id;
