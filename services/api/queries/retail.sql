-- Reads of retail.py. Each list has a place {order} for its sorting and takes a limit, null for all rows.
-- A month, week or quarter is in a range of days when one of its days is.

-- name: version
-- When a view was refreshed last; written in the transaction that refreshes it.
SELECT max(refreshed_at) FROM ops.view_refresh;

-- name: retailers
SELECT retailer_id FROM retail.dim_retailer ORDER BY retailer_id;

-- name: first_product_day
SELECT min(business_date) FROM retail.mv_daily_sales_by_product;

-- name: daily_sales
SELECT *
FROM retail.mv_daily_sales_summary
WHERE (%(retailer)s::text IS NULL OR retailer_id = %(retailer)s)
  AND (%(from)s::date IS NULL OR business_date >= %(from)s)
  AND (%(to)s::date IS NULL OR business_date <= %(to)s)
ORDER BY {order}
LIMIT %(limit)s OFFSET %(offset)s;

-- name: monthly_categories
SELECT *
FROM retail.mv_monthly_sales_by_category
WHERE (%(retailer)s::text IS NULL OR retailer_id = %(retailer)s)
  AND (%(category)s::text IS NULL OR category = %(category)s)
  AND (%(from)s::date IS NULL OR month_start >= date_trunc('month', %(from)s::date))
  AND (%(to)s::date IS NULL OR month_start <= %(to)s)
ORDER BY {order}
LIMIT %(limit)s OFFSET %(offset)s;

-- name: top_products
SELECT *
FROM retail.mv_top_products_by_revenue
WHERE (%(retailer)s::text IS NULL OR retailer_id = %(retailer)s)
  AND (%(category)s::text IS NULL OR category = %(category)s)
  AND (%(product)s::text IS NULL OR product_id = %(product)s)
  AND (%(rank)s::integer IS NULL OR revenue_rank <= %(rank)s)
  AND (%(from)s::date IS NULL OR month_start >= date_trunc('month', %(from)s::date))
  AND (%(to)s::date IS NULL OR month_start <= %(to)s)
ORDER BY {order}
LIMIT %(limit)s OFFSET %(offset)s;

-- name: weekly_trends
SELECT *
FROM retail.mv_weekly_sales_trends
WHERE (%(retailer)s::text IS NULL OR retailer_id = %(retailer)s)
  AND (%(from)s::date IS NULL OR week_start >= date_trunc('week', %(from)s::date))
  AND (%(to)s::date IS NULL OR week_start <= %(to)s)
ORDER BY {order}
LIMIT %(limit)s OFFSET %(offset)s;

-- name: quarterly_sales
SELECT *
FROM retail.mv_quarterly_sales_summary
WHERE (%(retailer)s::text IS NULL OR retailer_id = %(retailer)s)
  AND (%(from)s::date IS NULL OR quarter_start >= date_trunc('quarter', %(from)s::date))
  AND (%(to)s::date IS NULL OR quarter_start <= %(to)s)
ORDER BY {order}
LIMIT %(limit)s OFFSET %(offset)s;

-- name: daily_products
SELECT *
FROM retail.mv_daily_sales_by_product
WHERE (%(retailer)s::text IS NULL OR retailer_id = %(retailer)s)
  AND (%(category)s::text IS NULL OR category = %(category)s)
  AND (%(product)s::text IS NULL OR product_id = %(product)s)
  AND (%(from)s::date IS NULL OR business_date >= %(from)s)
  AND (%(to)s::date IS NULL OR business_date <= %(to)s)
ORDER BY {order}
LIMIT %(limit)s OFFSET %(offset)s;

-- name: daily_products_of_all_days
-- The same for ranges that begin before the days which the materialized view keeps.
SELECT *
FROM retail.daily_sales_by_product
WHERE (%(retailer)s::text IS NULL OR retailer_id = %(retailer)s)
  AND (%(category)s::text IS NULL OR category = %(category)s)
  AND (%(product)s::text IS NULL OR product_id = %(product)s)
  AND (%(from)s::date IS NULL OR business_date >= %(from)s)
  AND (%(to)s::date IS NULL OR business_date <= %(to)s)
ORDER BY {order}
LIMIT %(limit)s OFFSET %(offset)s;
