-- One fact a line of the version to keep of a contested transaction, unless it is there already; an older
-- version that comes late is a duplicate, and so is a line that stands on another day in the same version: a
-- day counted anew (a time zone set right) moves nothing by itself. Keeps how many facts are new by retailer
-- and business day.
-- Reads: staging.retail_sales, load_contested, load_known, load_transaction, the dimensions. Read by:
-- write_ledger, through load_inserted.
WITH elsewhere AS MATERIALIZED (
    -- facts of known transactions that the batch has on another day too: few, since most have one day
    SELECT DISTINCT f.retailer_key, f.transaction_id, f.line_id
    FROM load_known AS k
    JOIN load_transaction AS t ON t.retailer_id = k.retailer_id AND t.transaction_id = k.transaction_id
                              AND t.business_date <> k.business_date
    JOIN retail.fact_sales AS f ON f.transaction_id = k.transaction_id AND f.retailer_key = k.retailer_key
                               AND f.business_date = k.business_date AND f.source_updated_at = k.known_version
    WHERE k.known_version >= k.version
),
inserted AS (
    INSERT INTO retail.fact_sales (
        business_date, retailer_key, store_key, customer_key, product_key, transaction_id, line_id,
        sold_at, quantity, unit_price, discount, total, source_updated_at, run_id
    )
    SELECT DISTINCT ON (s.retailer_id, s.transaction_id, s.line_id)
           s.business_date, r.retailer_key, st.store_key, c.customer_key, p.product_key, s.transaction_id, s.line_id,
           s.sold_at, s.quantity, s.unit_price, s.discount, s.total, s.updated_at, %(run_id)s
    FROM staging.retail_sales AS s
    JOIN load_contested AS x ON x.transaction_id = s.transaction_id AND x.retailer_id = s.retailer_id
                            AND s.updated_at >= x.version
    LEFT JOIN retail.dim_retailer AS r ON r.retailer_id = s.retailer_id
    LEFT JOIN retail.dim_store AS st ON st.retailer_key = r.retailer_key AND st.store_id = s.store_id
    LEFT JOIN retail.dim_customer AS c ON c.retailer_key = r.retailer_key AND c.customer_id = s.customer_id
    LEFT JOIN retail.dim_product AS p ON p.retailer_key = r.retailer_key AND p.product_id = s.product_id
    LEFT JOIN elsewhere AS e ON e.transaction_id = s.transaction_id AND e.line_id = s.line_id
                            AND e.retailer_key = r.retailer_key
    WHERE e.line_id IS NULL
    ORDER BY s.retailer_id, s.transaction_id, s.line_id, s.business_date DESC
    ON CONFLICT (transaction_id, line_id, retailer_key, business_date) DO NOTHING
    RETURNING retailer_key, business_date
)
INSERT INTO load_inserted (retailer_key, business_date, lines)
SELECT retailer_key, business_date, count(*) FROM inserted GROUP BY retailer_key, business_date;
