-- Takes away the facts of transactions that came in a newer version, on whatever day they lie.
-- Reads: load_known, which holds how many they are for the ledger.
DELETE FROM retail.fact_sales AS f
USING load_known AS k
WHERE k.known_version < k.version
  AND f.transaction_id = k.transaction_id AND f.retailer_key = k.retailer_key
  AND f.business_date = k.business_date AND f.source_updated_at = k.known_version;
