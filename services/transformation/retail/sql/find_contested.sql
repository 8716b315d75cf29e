-- One row a transaction that not every staged line of may become a fact: it came in several versions, holds a
-- line twice, or is known. `version` is the one to keep. Few in an ordinary batch: all others need no
-- ON CONFLICT, which costs as much again as the insert itself (bench/star_load.py).
-- Reads: load_version, load_known, load_repeated. Read by: insert_new, insert_contested, write_ledger.
CREATE TEMP TABLE load_contested ON COMMIT DROP AS
SELECT retailer_id, transaction_id, max(version) AS version
FROM (
    SELECT retailer_id, transaction_id, version FROM load_version WHERE first_version < version
    UNION ALL
    SELECT retailer_id, transaction_id, version FROM load_version JOIN load_repeated USING (retailer_id, transaction_id)
    UNION ALL
    SELECT retailer_id, transaction_id, greatest(version, known_version) FROM load_known
) AS reasons
GROUP BY retailer_id, transaction_id;
