-- Keys of offenders, fetched only for a check that failed: one column `key`, `sample_size` rows at most.
-- A line is named retailer/transaction/line, with what is wrong behind it. `subjects` are the retailers that failed.

-- name: blank_keys
SELECT format('%%s/%%s/%%s %%s', r.retailer_id, f.transaction_id, f.line_id, f.business_date) AS key
FROM retail.fact_sales AS f
JOIN retail.dim_retailer AS r USING (retailer_key)
WHERE f.business_date = ANY(%(dates)s::date[]) AND r.retailer_id = ANY(%(subjects)s) AND (f.transaction_id = '' OR f.line_id = '')
ORDER BY f.business_date, f.retailer_key, f.transaction_id, f.line_id
LIMIT %(sample_size)s;

-- name: unknown_customers
SELECT format('%%s/%%s/%%s %%s', r.retailer_id, f.transaction_id, f.line_id, f.business_date) AS key
FROM retail.fact_sales AS f
JOIN retail.dim_retailer AS r USING (retailer_key)
JOIN retail.dim_customer AS c USING (retailer_key, customer_key)
WHERE f.business_date = ANY(%(dates)s::date[]) AND r.retailer_id = ANY(%(subjects)s) AND c.customer_id = ''
ORDER BY f.business_date, f.retailer_key, f.transaction_id, f.line_id
LIMIT %(sample_size)s;

-- name: unknown_stores
SELECT format('%%s/%%s/%%s %%s', r.retailer_id, f.transaction_id, f.line_id, f.business_date) AS key
FROM retail.fact_sales AS f
JOIN retail.dim_retailer AS r USING (retailer_key)
JOIN retail.dim_store AS s USING (retailer_key, store_key)
WHERE f.business_date = ANY(%(dates)s::date[]) AND r.retailer_id = ANY(%(subjects)s) AND s.store_id = ''
ORDER BY f.business_date, f.retailer_key, f.transaction_id, f.line_id
LIMIT %(sample_size)s;

-- name: total_mismatch
SELECT format('%%s/%%s/%%s %%s: %%s * %%s - %%s <> %%s', r.retailer_id, f.transaction_id, f.line_id, f.business_date,
              trim_scale(f.quantity), trim_scale(f.unit_price), f.discount, f.total) AS key
FROM retail.fact_sales AS f
JOIN retail.dim_retailer AS r USING (retailer_key)
WHERE f.business_date = ANY(%(dates)s::date[]) AND r.retailer_id = ANY(%(subjects)s) AND abs(f.quantity * f.unit_price - f.discount - f.total) > 0.01
ORDER BY f.business_date, f.retailer_key, f.transaction_id, f.line_id
LIMIT %(sample_size)s;

-- name: negative_prices
SELECT format('%%s/%%s/%%s %%s: %%s', r.retailer_id, f.transaction_id, f.line_id, f.business_date, trim_scale(f.unit_price)) AS key
FROM retail.fact_sales AS f
JOIN retail.dim_retailer AS r USING (retailer_key)
WHERE f.business_date = ANY(%(dates)s::date[]) AND r.retailer_id = ANY(%(subjects)s) AND f.unit_price < 0
ORDER BY f.business_date, f.retailer_key, f.transaction_id, f.line_id
LIMIT %(sample_size)s;

-- name: zero_quantities
SELECT format('%%s/%%s/%%s %%s', r.retailer_id, f.transaction_id, f.line_id, f.business_date) AS key
FROM retail.fact_sales AS f
JOIN retail.dim_retailer AS r USING (retailer_key)
WHERE f.business_date = ANY(%(dates)s::date[]) AND r.retailer_id = ANY(%(subjects)s) AND f.quantity = 0
ORDER BY f.business_date, f.retailer_key, f.transaction_id, f.line_id
LIMIT %(sample_size)s;

-- name: future_sales
SELECT format('%%s/%%s/%%s %%s: sold at %%s', r.retailer_id, f.transaction_id, f.line_id, f.business_date, f.sold_at) AS key
FROM retail.fact_sales AS f
JOIN retail.dim_retailer AS r USING (retailer_key)
WHERE f.business_date = ANY(%(dates)s::date[]) AND r.retailer_id = ANY(%(subjects)s) AND f.sold_at > now()
ORDER BY f.business_date, f.retailer_key, f.transaction_id, f.line_id
LIMIT %(sample_size)s;

-- name: unnamed_products
SELECT format('%%s product %%s: %%s lines', r.retailer_id, p.product_id, count(*)) AS key
FROM retail.fact_sales AS f
JOIN retail.dim_retailer AS r USING (retailer_key)
JOIN retail.dim_product AS p USING (retailer_key, product_key)
WHERE f.business_date = ANY(%(dates)s::date[]) AND r.retailer_id = ANY(%(subjects)s) AND COALESCE(p.product_name, '') = ''
GROUP BY r.retailer_id, p.product_id
ORDER BY count(*) DESC, r.retailer_id, p.product_id
LIMIT %(sample_size)s;

-- name: uncategorised_products
SELECT format('%%s product %%s: %%s lines', r.retailer_id, p.product_id, count(*)) AS key
FROM retail.fact_sales AS f
JOIN retail.dim_retailer AS r USING (retailer_key)
JOIN retail.dim_product AS p USING (retailer_key, product_key)
WHERE f.business_date = ANY(%(dates)s::date[]) AND r.retailer_id = ANY(%(subjects)s) AND p.category = 'Uncategorised'
GROUP BY r.retailer_id, p.product_id
ORDER BY count(*) DESC, r.retailer_id, p.product_id
LIMIT %(sample_size)s;

-- name: orphan_stores
SELECT format('store_key %%s: %%s lines, e.g. %%s', f.store_key, count(*), min(f.transaction_id || '/' || f.line_id)) AS key
FROM retail.fact_sales AS f
LEFT JOIN retail.dim_store AS d ON d.store_key = f.store_key AND d.retailer_key = f.retailer_key
WHERE f.business_date = ANY(%(dates)s::date[]) AND d.store_key IS NULL
GROUP BY f.store_key
ORDER BY count(*) DESC, f.store_key
LIMIT %(sample_size)s;

-- name: orphan_customers
SELECT format('customer_key %%s: %%s lines, e.g. %%s', f.customer_key, count(*), min(f.transaction_id || '/' || f.line_id)) AS key
FROM retail.fact_sales AS f
LEFT JOIN retail.dim_customer AS d ON d.customer_key = f.customer_key AND d.retailer_key = f.retailer_key
WHERE f.business_date = ANY(%(dates)s::date[]) AND d.customer_key IS NULL
GROUP BY f.customer_key
ORDER BY count(*) DESC, f.customer_key
LIMIT %(sample_size)s;

-- name: orphan_products
SELECT format('product_key %%s: %%s lines, e.g. %%s', f.product_key, count(*), min(f.transaction_id || '/' || f.line_id)) AS key
FROM retail.fact_sales AS f
LEFT JOIN retail.dim_product AS d ON d.product_key = f.product_key AND d.retailer_key = f.retailer_key
WHERE f.business_date = ANY(%(dates)s::date[]) AND d.product_key IS NULL
GROUP BY f.product_key
ORDER BY count(*) DESC, f.product_key
LIMIT %(sample_size)s;

-- name: orphan_retailers
SELECT format('retailer_key %%s: %%s lines, e.g. %%s', f.retailer_key, count(*), min(f.transaction_id || '/' || f.line_id)) AS key
FROM retail.fact_sales AS f
LEFT JOIN retail.dim_retailer AS d USING (retailer_key)
WHERE f.business_date = ANY(%(dates)s::date[]) AND d.retailer_id IS NULL
GROUP BY f.retailer_key
ORDER BY count(*) DESC, f.retailer_key
LIMIT %(sample_size)s;

-- name: orphan_dates
SELECT format('%%s: %%s lines', f.business_date, count(*)) AS key
FROM retail.fact_sales AS f
LEFT JOIN retail.dim_date AS d ON d.date_key = f.business_date
WHERE f.business_date = ANY(%(dates)s::date[]) AND d.date_key IS NULL
GROUP BY f.business_date
ORDER BY f.business_date
LIMIT %(sample_size)s;

-- name: duplicate_keys
SELECT format('%%s/%%s/%%s on %%s', COALESCE(r.retailer_id, f.retailer_key::text), f.transaction_id, f.line_id,
              string_agg(f.business_date::text, ', ' ORDER BY f.business_date)) AS key
FROM (
    SELECT DISTINCT retailer_key, transaction_id
    FROM retail.fact_sales
    WHERE business_date = ANY(%(dates)s::date[])
) AS w
JOIN retail.fact_sales AS f USING (retailer_key, transaction_id)
LEFT JOIN retail.dim_retailer AS r USING (retailer_key)
GROUP BY r.retailer_id, f.retailer_key, f.transaction_id, f.line_id
HAVING count(*) > 1
ORDER BY f.retailer_key, f.transaction_id, f.line_id
LIMIT %(sample_size)s;

-- name: conservation
WITH ledger AS (
    SELECT source AS retailer_id, business_date, sum(fact_rows) AS lines
    FROM ops.reconciliation
    WHERE pipeline = 'retail' AND business_date = ANY(%(dates)s::date[])
    GROUP BY source, business_date
),
facts AS (
    SELECT COALESCE(r.retailer_id, 'retailer_key ' || f.retailer_key) AS retailer_id, f.business_date, count(*) AS lines
    FROM retail.fact_sales AS f
    LEFT JOIN retail.dim_retailer AS r USING (retailer_key)
    WHERE f.business_date = ANY(%(dates)s::date[])
    GROUP BY 1, 2
)
SELECT format('%%s %%s: ledger %%s, facts %%s', retailer_id, business_date, COALESCE(l.lines, 0), COALESCE(f.lines, 0)) AS key
FROM ledger AS l
FULL JOIN facts AS f USING (retailer_id, business_date)
WHERE COALESCE(l.lines, 0) <> COALESCE(f.lines, 0)
ORDER BY business_date, retailer_id
LIMIT %(sample_size)s;

-- name: raw_pending
SELECT object_key AS key
FROM ops.loaded_object
WHERE dataset = 'retail/raw' AND logical_date = %(date)s AND loaded_at IS NULL
ORDER BY object_key
LIMIT %(sample_size)s;

-- name: rejected_share
SELECT format('%%s: %%s', position, reason) AS key
FROM ops.dead_letter
WHERE pipeline = 'retail' AND logical_date = %(date)s AND source = ANY(%(subjects)s) AND state = 'open'
ORDER BY dead_letter_id
LIMIT %(sample_size)s;
