-- One row a retailer and business day: facts that came of contested transactions.
-- Written by insert_contested. Read by: write_ledger.
CREATE TEMP TABLE load_inserted (retailer_key smallint, business_date date, lines bigint) ON COMMIT DROP;
