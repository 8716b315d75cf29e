-- One retailer of the workflow file, written when new or changed.
-- MERGE and not ON CONFLICT: that would use up a key of the sequence each time.
MERGE INTO retail.dim_retailer AS d
USING (SELECT %(retailer_id)s::text AS retailer_id, %(name)s::text AS retailer_name, %(source)s::text AS source_kind,
              %(timezone)s::text AS timezone, %(currency)s::char(3) AS currency) AS s
ON d.retailer_id = s.retailer_id
WHEN MATCHED AND (d.retailer_name, d.source_kind, d.timezone, d.currency)
      IS DISTINCT FROM (s.retailer_name, s.source_kind, s.timezone, s.currency) THEN
    UPDATE SET retailer_name = s.retailer_name, source_kind = s.source_kind,
               timezone = s.timezone, currency = s.currency
WHEN NOT MATCHED THEN
    INSERT (retailer_id, retailer_name, source_kind, timezone, currency)
    VALUES (s.retailer_id, s.retailer_name, s.source_kind, s.timezone, s.currency);
