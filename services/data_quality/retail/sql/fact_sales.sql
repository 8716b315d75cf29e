-- One row is an observation of a check of retail.fact_sales: check_name, subject (retailer_id or null), observed, note.
-- Reads retail.fact_sales once, for the business dates `dates`, with its dimensions; the ledger
-- ops.reconciliation for conservation and history; other days only by the index, to find a key that is on two dates.
-- Read by retail_quality.
WITH scanned AS MATERIALIZED (
    -- one row a transaction and day: small enough to look at twice
    SELECT
        f.retailer_key,
        f.business_date,
        f.transaction_id,
        count(*) AS lines,
        count(*) FILTER (WHERE f.transaction_id = '' OR f.line_id = '') AS blank_keys,
        count(*) FILTER (WHERE c.customer_id = '') AS unknown_customers,
        count(*) FILTER (WHERE s.store_id = '') AS unknown_stores,
        count(*) FILTER (WHERE p.product_key IS NOT NULL AND COALESCE(p.product_name, '') = '') AS unnamed_products,
        count(*) FILTER (WHERE p.category = 'Uncategorised') AS uncategorised_products,
        count(*) FILTER (WHERE abs(f.quantity * f.unit_price - f.discount - f.total) > 0.01) AS total_mismatch,
        count(*) FILTER (WHERE f.unit_price < 0) AS negative_prices,
        count(*) FILTER (WHERE f.quantity = 0) AS zero_quantities,
        count(*) FILTER (WHERE f.sold_at > now()) AS future_sales,
        count(*) FILTER (WHERE s.store_key IS NULL) AS orphan_stores,
        count(*) FILTER (WHERE c.customer_key IS NULL) AS orphan_customers,
        count(*) FILTER (WHERE p.product_key IS NULL) AS orphan_products
    FROM retail.fact_sales AS f
    LEFT JOIN retail.dim_store AS s ON s.store_key = f.store_key AND s.retailer_key = f.retailer_key
    LEFT JOIN retail.dim_customer AS c ON c.customer_key = f.customer_key AND c.retailer_key = f.retailer_key
    LEFT JOIN retail.dim_product AS p ON p.product_key = f.product_key AND p.retailer_key = f.retailer_key
    WHERE f.business_date = ANY(%(dates)s::date[])
    GROUP BY f.retailer_key, f.business_date, f.transaction_id
),
days AS (
    SELECT
        COALESCE(r.retailer_id, 'retailer_key ' || t.retailer_key) AS retailer_id,
        t.business_date,
        t.lines::bigint AS lines,
        t.blank_keys, t.unknown_customers, t.unknown_stores, t.unnamed_products, t.uncategorised_products,
        t.total_mismatch, t.negative_prices, t.zero_quantities, t.future_sales,
        CASE WHEN r.retailer_key IS NULL THEN t.lines ELSE 0 END AS orphan_retailers,
        t.orphan_stores, t.orphan_customers, t.orphan_products,
        CASE WHEN d.date_key IS NULL THEN t.lines ELSE 0 END AS orphan_dates
    FROM (
        SELECT
            retailer_key, business_date,
            sum(lines) AS lines, sum(blank_keys) AS blank_keys,
            sum(unknown_customers) AS unknown_customers, sum(unknown_stores) AS unknown_stores,
            sum(unnamed_products) AS unnamed_products, sum(uncategorised_products) AS uncategorised_products,
            sum(total_mismatch) AS total_mismatch, sum(negative_prices) AS negative_prices,
            sum(zero_quantities) AS zero_quantities, sum(future_sales) AS future_sales,
            sum(orphan_stores) AS orphan_stores, sum(orphan_customers) AS orphan_customers,
            sum(orphan_products) AS orphan_products
        FROM scanned
        GROUP BY retailer_key, business_date
    ) AS t
    LEFT JOIN retail.dim_retailer AS r ON r.retailer_key = t.retailer_key
    LEFT JOIN retail.dim_date AS d ON d.date_key = t.business_date
),
retailers AS (
    SELECT
        retailer_id, sum(lines) AS lines, sum(blank_keys) AS blank_keys,
        sum(unknown_customers) AS unknown_customers, sum(unknown_stores) AS unknown_stores,
        sum(unnamed_products) AS unnamed_products, sum(uncategorised_products) AS uncategorised_products,
        sum(total_mismatch) AS total_mismatch, sum(negative_prices) AS negative_prices,
        sum(zero_quantities) AS zero_quantities, sum(future_sales) AS future_sales,
        sum(orphan_retailers) AS orphan_retailers, sum(orphan_stores) AS orphan_stores,
        sum(orphan_customers) AS orphan_customers, sum(orphan_products) AS orphan_products,
        sum(orphan_dates) AS orphan_dates
    FROM days
    GROUP BY retailer_id
),
on_two_dates AS (
    -- transactions of the window that have lines on another date too, in the window or outside it. The scalar
    -- subquery keeps the second an index probe a transaction; `elsewhere` is false when no day is outside.
    SELECT retailer_key, transaction_id
    FROM scanned
    GROUP BY retailer_key, transaction_id
    HAVING count(*) > 1
    UNION
    SELECT s.retailer_key, s.transaction_id
    FROM scanned AS s
    WHERE %(elsewhere)s AND (
        SELECT true
        FROM retail.fact_sales AS f
        WHERE f.transaction_id = s.transaction_id AND f.retailer_key = s.retailer_key
          AND f.business_date <> ALL(%(dates)s::date[])
        LIMIT 1
    )
),
duplicates AS (
    SELECT count(*) AS keys
    FROM on_two_dates AS t
    CROSS JOIN LATERAL (
        SELECT f.line_id
        FROM retail.fact_sales AS f
        WHERE f.transaction_id = t.transaction_id AND f.retailer_key = t.retailer_key
        GROUP BY f.line_id
        HAVING count(*) > 1
    ) AS lines
),
ledger AS (
    SELECT source AS retailer_id, business_date, sum(fact_rows) AS lines
    FROM ops.reconciliation
    WHERE pipeline = 'retail'
    GROUP BY source, business_date
),
conservation AS (
    SELECT
        retailer_id,
        count(*) FILTER (WHERE booked <> stored) AS days,
        string_agg(format('%%s ledger %%s, facts %%s', business_date, booked, stored), '; ' ORDER BY business_date)
            FILTER (WHERE booked <> stored) AS note
    FROM (
        SELECT r.retailer_id, d.business_date, COALESCE(l.lines, 0) AS booked, COALESCE(t.lines, 0) AS stored
        FROM unnest(%(dates)s::date[]) AS d (business_date)
        CROSS JOIN (SELECT retailer_id FROM ledger UNION SELECT retailer_id FROM days) AS r
        LEFT JOIN ledger AS l ON l.retailer_id = r.retailer_id AND l.business_date = d.business_date
        LEFT JOIN days AS t ON t.retailer_id = r.retailer_id AND t.business_date = d.business_date
    ) AS both_sides
    GROUP BY retailer_id
),
same_weekday AS (
    -- only days that arrived whole: before the first of them a late line or two is all there is
    SELECT a.source AS retailer_id, count(*) AS days, avg(COALESCE(l.lines, 0)) AS lines
    FROM ops.arrival AS a
    JOIN generate_series(1, %(volume_weeks)s) AS week ON a.logical_date = %(date)s::date - 7 * week
    LEFT JOIN ledger AS l ON l.retailer_id = a.source AND l.business_date = a.logical_date
    WHERE a.pipeline = 'retail'
    GROUP BY a.source
),
volume AS (
    SELECT
        r.retailer_id,
        CASE WHEN w.days >= %(volume_min_weeks)s AND w.lines > 0 THEN COALESCE(t.lines, 0) / w.lines END AS ratio,
        CASE
            WHEN COALESCE(w.days, 0) < %(volume_min_weeks)s
                THEN format('not enough history: %%s of %%s same weekdays', COALESCE(w.days, 0), %(volume_min_weeks)s)
            WHEN w.lines = 0 THEN 'no sales on this weekday so far'
            ELSE format('%%s lines, average of %%s same weekdays %%s', COALESCE(t.lines, 0), w.days, round(w.lines))
        END AS note
    FROM unnest(%(retailers)s::text[]) AS r (retailer_id)
    LEFT JOIN same_weekday AS w ON w.retailer_id = r.retailer_id
    LEFT JOIN days AS t ON t.retailer_id = r.retailer_id AND t.business_date = %(date)s
)
SELECT v.check_name, r.retailer_id AS subject, v.observed, NULL AS note
FROM retailers AS r
CROSS JOIN LATERAL (VALUES
    ('lines_checked', r.lines),
    ('blank_keys', r.blank_keys),
    ('unknown_customers', r.unknown_customers / r.lines),
    ('unknown_stores', r.unknown_stores / r.lines),
    ('unnamed_products', r.unnamed_products / r.lines),
    ('uncategorised_products', r.uncategorised_products / r.lines),
    ('total_mismatch', r.total_mismatch),
    ('negative_prices', r.negative_prices),
    ('zero_quantities', r.zero_quantities),
    ('future_sales', r.future_sales),
    ('orphan_retailers', r.orphan_retailers),
    ('orphan_stores', r.orphan_stores),
    ('orphan_customers', r.orphan_customers),
    ('orphan_products', r.orphan_products),
    ('orphan_dates', r.orphan_dates)
) AS v (check_name, observed)
UNION ALL
SELECT 'duplicate_keys', NULL, keys, NULL FROM duplicates
UNION ALL
SELECT 'conservation', retailer_id, days, note FROM conservation
UNION ALL
SELECT 'volume', retailer_id, ratio, note FROM volume;
