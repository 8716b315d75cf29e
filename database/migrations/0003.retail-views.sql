-- depends: 0002.retail
-- Partitions and calendar on demand, what loads did, and the views for BI.

CREATE TABLE retail.fact_load (
    run_id             bigint PRIMARY KEY,
    loaded_at          timestamptz NOT NULL DEFAULT now(),
    lines              bigint NOT NULL,
    inserted           bigint NOT NULL,
    superseded         bigint NOT NULL,
    dimensions_changed bigint NOT NULL,
    processed_at       timestamptz,
    summarised_at      timestamptz
);
COMMENT ON TABLE retail.fact_load IS 'One row a load of the star, written in its transaction.';
COMMENT ON COLUMN retail.fact_load.run_id IS 'The run of ops.job_run.';
COMMENT ON COLUMN retail.fact_load.lines IS 'Lines staged.';
COMMENT ON COLUMN retail.fact_load.inserted IS 'Facts added.';
COMMENT ON COLUMN retail.fact_load.superseded IS 'Facts taken away because a newer version of their transaction came.';
COMMENT ON COLUMN retail.fact_load.dimensions_changed IS 'Dimension rows added or changed.';
COMMENT ON COLUMN retail.fact_load.processed_at IS 'When the processed Parquet files of the load were registered; null until then, and the next run writes them.';
COMMENT ON COLUMN retail.fact_load.summarised_at IS 'When the days that the load touched were summarised anew for the views; null until then.';
CREATE INDEX fact_load_unfinished ON retail.fact_load (run_id) WHERE processed_at IS NULL OR summarised_at IS NULL;

CREATE FUNCTION retail.ensure_fact_partitions(first_day date, last_day date) RETURNS integer
LANGUAGE plpgsql AS $$
DECLARE
    month_start date;
    partition_name text;
    made integer := 0;
BEGIN
    FOR month_start IN
        SELECT generate_series(date_trunc('month', first_day::timestamp), last_day::timestamp, interval '1 month')::date
    LOOP
        partition_name := 'fact_sales_' || to_char(month_start, 'YYYY_MM');
        CONTINUE WHEN to_regclass('retail.' || partition_name) IS NOT NULL;
        PERFORM pg_advisory_xact_lock(hashtext('retail.ensure_fact_partitions'));
        CONTINUE WHEN to_regclass('retail.' || partition_name) IS NOT NULL;
        -- made beside and attached, not CREATE ... PARTITION OF: that would lock readers of fact_sales out
        EXECUTE format('CREATE TABLE retail.%I (LIKE retail.fact_sales INCLUDING DEFAULTS INCLUDING CONSTRAINTS)',
                       partition_name);
        EXECUTE format('ALTER TABLE retail.fact_sales ATTACH PARTITION retail.%I FOR VALUES FROM (%L) TO (%L)',
                       partition_name, month_start, (month_start + interval '1 month')::date);
        INSERT INTO retail.dim_date
        SELECT day, extract(year FROM day), extract(quarter FROM day), extract(month FROM day),
               to_char(day, 'FMMonth'), extract(isoyear FROM day), extract(week FROM day), extract(day FROM day),
               extract(isodow FROM day), to_char(day, 'FMDay'), extract(isodow FROM day) IN (6, 7)
        FROM generate_series(month_start::timestamp, month_start + interval '1 month - 1 day', interval '1 day') AS day
        ON CONFLICT (date_key) DO NOTHING;
        made := made + 1;
    END LOOP;
    RETURN made;
END
$$;
COMMENT ON FUNCTION retail.ensure_fact_partitions(date, date) IS 'Make the monthly partitions of fact_sales between two days, and the days of those months in dim_date; return how many months were new. Readers are not locked out.';

-- The summaries: what most views are made of. A day, or the month of a product, is computed anew when a load
-- touched it, so that a refresh costs what changed and not what there is.

CREATE TABLE retail.daily_retailer_sales (
    business_date       date NOT NULL,
    retailer_key        smallint NOT NULL,
    transactions        bigint NOT NULL,
    return_transactions bigint NOT NULL,
    customers           bigint NOT NULL,
    lines               bigint NOT NULL,
    units_sold          numeric NOT NULL,
    units_returned      numeric NOT NULL,
    gross_sales         numeric(16, 2) NOT NULL,
    discounts           numeric(16, 2) NOT NULL,
    returns             numeric(16, 2) NOT NULL,
    PRIMARY KEY (business_date, retailer_key)
);
COMMENT ON TABLE retail.daily_retailer_sales IS 'One row a retailer and business day with facts: the summary that the views by day, week and quarter read. Kept when the facts of the day have gone.';

CREATE TABLE retail.monthly_product_sales (
    month_start    date NOT NULL,
    retailer_key   smallint NOT NULL,
    product_key    integer NOT NULL,
    days_sold      integer NOT NULL,
    units_sold     numeric NOT NULL,
    units_returned numeric NOT NULL,
    gross_sales    numeric(16, 2) NOT NULL,
    discounts      numeric(16, 2) NOT NULL,
    returns        numeric(16, 2) NOT NULL,
    net_sales      numeric(16, 2) GENERATED ALWAYS AS (gross_sales - returns) STORED,
    PRIMARY KEY (month_start, retailer_key, product_key)
);
CREATE INDEX monthly_product_sales_best
    ON retail.monthly_product_sales (month_start, retailer_key, net_sales DESC, product_key);
COMMENT ON TABLE retail.monthly_product_sales IS 'One row a calendar month, retailer and product with facts: the summary that the views by month read. Kept when the facts of the month have gone.';

CREATE TABLE ops.view_refresh (
    view_name    text PRIMARY KEY,
    input_state  text NOT NULL,
    refreshed_at timestamptz NOT NULL DEFAULT now(),
    run_id       bigint NOT NULL
);
COMMENT ON TABLE ops.view_refresh IS 'One row a materialized view: when it was refreshed last, and from what.';
COMMENT ON COLUMN ops.view_refresh.input_state IS 'What its input was then: number and last run of the loads that changed something. The same now means nothing to refresh.';

-- The views for BI. In all of them: amounts are in the retailer's currency, discount already taken off; a return
-- is a line with a negative quantity; net_sales = gross_sales - returns.

CREATE MATERIALIZED VIEW retail.mv_daily_sales_summary AS
SELECT s.business_date, r.retailer_id, r.retailer_name, r.currency,
       s.transactions, s.return_transactions, s.customers, s.lines, s.units_sold, s.units_returned,
       s.gross_sales, s.discounts, s.returns, s.gross_sales - s.returns AS net_sales,
       round(s.gross_sales / nullif(s.transactions, 0), 2) AS average_basket
FROM retail.daily_retailer_sales AS s
JOIN retail.dim_retailer AS r USING (retailer_key);
CREATE UNIQUE INDEX mv_daily_sales_summary_key ON retail.mv_daily_sales_summary (business_date, retailer_id);
COMMENT ON MATERIALIZED VIEW retail.mv_daily_sales_summary IS 'One row a business day and retailer that had sales or returns.';

CREATE MATERIALIZED VIEW retail.mv_monthly_sales_by_category AS
WITH by_category AS (
    SELECT b.month_start, b.retailer_key, p.category,
           count(*) FILTER (WHERE b.units_sold > 0) AS products_sold,
           sum(b.units_sold) AS units_sold, sum(b.units_returned) AS units_returned,
           sum(b.gross_sales) AS gross_sales, sum(b.discounts) AS discounts, sum(b.returns) AS returns
    FROM retail.monthly_product_sales AS b
    JOIN retail.dim_product AS p USING (product_key)
    GROUP BY b.month_start, b.retailer_key, p.category
)
SELECT c.month_start, extract(year FROM c.month_start)::integer AS year,
       extract(month FROM c.month_start)::integer AS month,
       r.retailer_id, r.retailer_name, r.currency, c.category, c.products_sold, c.units_sold, c.units_returned,
       c.gross_sales, c.discounts, c.returns, c.gross_sales - c.returns AS net_sales,
       round(100 * c.gross_sales / nullif(sum(c.gross_sales) OVER (PARTITION BY c.month_start, c.retailer_key), 0), 2)
           AS share_of_month_percent
FROM by_category AS c
JOIN retail.dim_retailer AS r USING (retailer_key);
CREATE UNIQUE INDEX mv_monthly_sales_by_category_key
    ON retail.mv_monthly_sales_by_category (month_start, retailer_id, category);
COMMENT ON MATERIALIZED VIEW retail.mv_monthly_sales_by_category IS 'One row a calendar month, retailer and product category (the category that the product has today).';

-- The best 100 are picked month by month from the index in their order, and named afterwards.
CREATE MATERIALIZED VIEW retail.mv_top_products_by_revenue AS
WITH months AS (
    SELECT DISTINCT date_trunc('month', business_date::timestamp)::date AS month_start, retailer_key
    FROM retail.daily_retailer_sales
), best AS MATERIALIZED (
    SELECT top.*
    FROM months AS m
    CROSS JOIN LATERAL (
        SELECT s.*
        FROM retail.monthly_product_sales AS s
        WHERE s.month_start = m.month_start AND s.retailer_key = m.retailer_key AND s.net_sales > 0
        ORDER BY s.net_sales DESC, s.product_key
        LIMIT 100
    ) AS top
)
SELECT b.month_start, extract(year FROM b.month_start)::integer AS year,
       extract(month FROM b.month_start)::integer AS month,
       r.retailer_id, r.retailer_name, r.currency,
       (row_number() OVER (PARTITION BY b.month_start, b.retailer_key ORDER BY b.net_sales DESC, p.product_id))::integer
           AS revenue_rank,
       p.product_id, p.product_name, p.category, b.days_sold, b.units_sold, b.units_returned,
       b.gross_sales, b.returns, b.net_sales
FROM best AS b
JOIN retail.dim_retailer AS r USING (retailer_key)
JOIN retail.dim_product AS p USING (product_key);
CREATE UNIQUE INDEX mv_top_products_by_revenue_key
    ON retail.mv_top_products_by_revenue (month_start, retailer_id, revenue_rank);
COMMENT ON MATERIALIZED VIEW retail.mv_top_products_by_revenue IS 'One row a calendar month, retailer and rank: the 100 products with the largest net sales.';

CREATE MATERIALIZED VIEW retail.mv_weekly_sales_trends AS
WITH by_week AS (
    SELECT date_trunc('week', business_date)::date AS week_start, retailer_key,
           count(*) FILTER (WHERE transactions > 0) AS trading_days,
           sum(transactions)::bigint AS transactions, sum(units_sold) AS units_sold,
           sum(units_returned) AS units_returned, sum(gross_sales) AS gross_sales, sum(discounts) AS discounts,
           sum(returns) AS returns, sum(gross_sales - returns) AS net_sales
    FROM retail.daily_retailer_sales
    GROUP BY 1, 2
), compared AS (
    SELECT w.*, before.net_sales AS previous_week_net_sales,
           avg(w.net_sales) OVER (PARTITION BY w.retailer_key ORDER BY w.week_start
                                  RANGE BETWEEN interval '21 days' PRECEDING AND CURRENT ROW) AS four_week_average
    FROM by_week AS w
    LEFT JOIN by_week AS before
        ON before.retailer_key = w.retailer_key AND before.week_start = w.week_start - 7
)
SELECT c.week_start, extract(isoyear FROM c.week_start)::integer AS iso_year,
       extract(week FROM c.week_start)::integer AS iso_week,
       r.retailer_id, r.retailer_name, r.currency, c.trading_days, c.transactions, c.units_sold, c.units_returned,
       c.gross_sales, c.discounts, c.returns, c.net_sales,
       round(c.gross_sales / nullif(c.transactions, 0), 2) AS average_basket, c.previous_week_net_sales,
       round(100 * (c.net_sales - c.previous_week_net_sales) / nullif(abs(c.previous_week_net_sales), 0), 2)
           AS change_percent,
       round(c.four_week_average, 2) AS four_week_average_net_sales
FROM compared AS c
JOIN retail.dim_retailer AS r USING (retailer_key);
CREATE UNIQUE INDEX mv_weekly_sales_trends_key ON retail.mv_weekly_sales_trends (week_start, retailer_id);
COMMENT ON MATERIALIZED VIEW retail.mv_weekly_sales_trends IS 'One row an ISO week (Monday to Sunday) and retailer, compared with the weeks before.';

CREATE MATERIALIZED VIEW retail.mv_quarterly_sales_summary AS
WITH by_quarter AS (
    SELECT date_trunc('quarter', business_date)::date AS quarter_start, retailer_key,
           count(*) FILTER (WHERE transactions > 0) AS trading_days,
           sum(transactions)::bigint AS transactions, sum(return_transactions)::bigint AS return_transactions,
           sum(units_sold) AS units_sold, sum(units_returned) AS units_returned, sum(gross_sales) AS gross_sales,
           sum(discounts) AS discounts, sum(returns) AS returns, sum(gross_sales - returns) AS net_sales
    FROM retail.daily_retailer_sales
    GROUP BY 1, 2
)
SELECT q.quarter_start, extract(year FROM q.quarter_start)::integer AS year,
       extract(quarter FROM q.quarter_start)::integer AS quarter,
       r.retailer_id, r.retailer_name, r.currency, q.trading_days, q.transactions, q.return_transactions,
       q.units_sold, q.units_returned, q.gross_sales, q.discounts, q.returns, q.net_sales,
       round(q.gross_sales / nullif(q.transactions, 0), 2) AS average_basket,
       round(100 * q.returns / nullif(q.gross_sales, 0), 2) AS returned_percent,
       last_year.net_sales AS previous_year_net_sales,
       round(100 * (q.net_sales - last_year.net_sales) / nullif(abs(last_year.net_sales), 0), 2)
           AS change_on_year_percent
FROM by_quarter AS q
LEFT JOIN by_quarter AS last_year
    ON last_year.retailer_key = q.retailer_key AND last_year.quarter_start = (q.quarter_start - interval '1 year')::date
JOIN retail.dim_retailer AS r ON r.retailer_key = q.retailer_key;
CREATE UNIQUE INDEX mv_quarterly_sales_summary_key ON retail.mv_quarterly_sales_summary (quarter_start, retailer_id);
COMMENT ON MATERIALIZED VIEW retail.mv_quarterly_sales_summary IS 'One row a calendar quarter and retailer, compared with the same quarter of the year before.';

CREATE VIEW retail.daily_sales_by_product AS
WITH by_day AS (
    SELECT business_date, retailer_key, product_key,
           coalesce(sum(quantity) FILTER (WHERE quantity >= 0), 0) AS units_sold,
           coalesce(-sum(quantity) FILTER (WHERE quantity < 0), 0) AS units_returned,
           coalesce(sum(total) FILTER (WHERE quantity >= 0), 0) AS gross_sales,
           coalesce(sum(discount) FILTER (WHERE quantity >= 0), 0) AS discounts,
           coalesce(-sum(total) FILTER (WHERE quantity < 0), 0) AS returns
    FROM retail.fact_sales
    GROUP BY business_date, retailer_key, product_key
)
SELECT d.business_date, r.retailer_id, p.product_id, r.retailer_name, r.currency, p.product_name, p.category,
       d.units_sold, d.units_returned, d.gross_sales, d.discounts, d.returns,
       d.gross_sales - d.returns AS net_sales,
       round(d.gross_sales / nullif(d.units_sold, 0), 4) AS average_price
FROM by_day AS d
JOIN retail.dim_retailer AS r USING (retailer_key)
JOIN retail.dim_product AS p USING (product_key);
COMMENT ON VIEW retail.daily_sales_by_product IS 'One row a business day, retailer and product with sales or returns, of any day: what mv_daily_sales_by_product keeps of the last 14. Computed when asked: name the days in WHERE, and only their months are read.';

-- In the order of its key, byte by byte: a concurrent refresh sorts both versions of every row, and sorting what is
-- sorted already halves its time.
CREATE MATERIALIZED VIEW retail.mv_daily_sales_by_product AS
SELECT *
FROM retail.daily_sales_by_product
WHERE business_date > (SELECT max(business_date) - 14 FROM retail.daily_retailer_sales)
ORDER BY business_date, retailer_id COLLATE "C", product_id COLLATE "C";
CREATE UNIQUE INDEX mv_daily_sales_by_product_key
    ON retail.mv_daily_sales_by_product (business_date, retailer_id, product_id);
COMMENT ON MATERIALIZED VIEW retail.mv_daily_sales_by_product IS 'One row a business day, retailer and product with sales or returns, of the 14 days up to the newest one; any day is in retail.daily_sales_by_product.';

COMMENT ON COLUMN retail.daily_retailer_sales.transactions IS 'Distinct transactions with at least one sold line.';
COMMENT ON COLUMN retail.daily_retailer_sales.return_transactions IS 'Distinct transactions with at least one returned line.';
COMMENT ON COLUMN retail.daily_retailer_sales.customers IS 'Distinct known customers that bought something; the unknown customer is not one.';
COMMENT ON COLUMN retail.daily_retailer_sales.lines IS 'Fact lines, returned ones included.';
COMMENT ON COLUMN retail.daily_retailer_sales.units_sold IS 'Sum of quantities that are not negative.';
COMMENT ON COLUMN retail.daily_retailer_sales.units_returned IS 'Sum of negative quantities, as a positive number.';
COMMENT ON COLUMN retail.daily_retailer_sales.gross_sales IS 'Sum of the totals of sold lines, after discount.';
COMMENT ON COLUMN retail.daily_retailer_sales.discounts IS 'Discount given on sold lines; already off gross_sales.';
COMMENT ON COLUMN retail.daily_retailer_sales.returns IS 'Sum of the totals of returned lines, as a positive amount.';

COMMENT ON COLUMN retail.monthly_product_sales.days_sold IS 'Business days of the month on which it sold.';
COMMENT ON COLUMN retail.monthly_product_sales.units_sold IS 'Sum of quantities that are not negative.';
COMMENT ON COLUMN retail.monthly_product_sales.units_returned IS 'Sum of negative quantities, as a positive number.';
COMMENT ON COLUMN retail.monthly_product_sales.gross_sales IS 'Sum of the totals of sold lines, after discount.';
COMMENT ON COLUMN retail.monthly_product_sales.discounts IS 'Discount given on sold lines; already off gross_sales.';
COMMENT ON COLUMN retail.monthly_product_sales.returns IS 'Sum of the totals of returned lines, as a positive amount.';
COMMENT ON COLUMN retail.monthly_product_sales.net_sales IS 'gross_sales - returns.';

COMMENT ON COLUMN retail.mv_daily_sales_summary.transactions IS 'Distinct transactions with at least one sold line.';
COMMENT ON COLUMN retail.mv_daily_sales_summary.return_transactions IS 'Distinct transactions with at least one returned line.';
COMMENT ON COLUMN retail.mv_daily_sales_summary.customers IS 'Distinct known customers that bought something; the unknown customer is not one.';
COMMENT ON COLUMN retail.mv_daily_sales_summary.lines IS 'Fact lines, returned ones included.';
COMMENT ON COLUMN retail.mv_daily_sales_summary.units_sold IS 'Sum of quantities that are not negative.';
COMMENT ON COLUMN retail.mv_daily_sales_summary.units_returned IS 'Sum of negative quantities, as a positive number.';
COMMENT ON COLUMN retail.mv_daily_sales_summary.gross_sales IS 'Sum of the totals of sold lines, after discount.';
COMMENT ON COLUMN retail.mv_daily_sales_summary.discounts IS 'Discount given on sold lines; already off gross_sales.';
COMMENT ON COLUMN retail.mv_daily_sales_summary.returns IS 'Sum of the totals of returned lines, as a positive amount.';
COMMENT ON COLUMN retail.mv_daily_sales_summary.net_sales IS 'gross_sales - returns.';
COMMENT ON COLUMN retail.mv_daily_sales_summary.average_basket IS 'gross_sales by transaction; null on a day without a sale.';

COMMENT ON COLUMN retail.mv_monthly_sales_by_category.products_sold IS 'Distinct products with at least one unit sold in the month.';
COMMENT ON COLUMN retail.mv_monthly_sales_by_category.units_sold IS 'Sum of quantities that are not negative.';
COMMENT ON COLUMN retail.mv_monthly_sales_by_category.units_returned IS 'Sum of negative quantities, as a positive number.';
COMMENT ON COLUMN retail.mv_monthly_sales_by_category.gross_sales IS 'Sum of the totals of sold lines, after discount.';
COMMENT ON COLUMN retail.mv_monthly_sales_by_category.discounts IS 'Discount given on sold lines; already off gross_sales.';
COMMENT ON COLUMN retail.mv_monthly_sales_by_category.returns IS 'Sum of the totals of returned lines, as a positive amount.';
COMMENT ON COLUMN retail.mv_monthly_sales_by_category.net_sales IS 'gross_sales - returns.';
COMMENT ON COLUMN retail.mv_monthly_sales_by_category.share_of_month_percent IS 'Share of the category in the retailer''s gross sales of the month, in percent.';

COMMENT ON COLUMN retail.mv_top_products_by_revenue.revenue_rank IS '1 is the product with the largest net sales of the retailer in the month.';
COMMENT ON COLUMN retail.mv_top_products_by_revenue.days_sold IS 'Business days of the month on which it sold.';
COMMENT ON COLUMN retail.mv_top_products_by_revenue.units_sold IS 'Sum of quantities that are not negative.';
COMMENT ON COLUMN retail.mv_top_products_by_revenue.units_returned IS 'Sum of negative quantities, as a positive number.';
COMMENT ON COLUMN retail.mv_top_products_by_revenue.gross_sales IS 'Sum of the totals of sold lines, after discount.';
COMMENT ON COLUMN retail.mv_top_products_by_revenue.returns IS 'Sum of the totals of returned lines, as a positive amount.';
COMMENT ON COLUMN retail.mv_top_products_by_revenue.net_sales IS 'gross_sales - returns.';

COMMENT ON COLUMN retail.mv_weekly_sales_trends.week_start IS 'The Monday.';
COMMENT ON COLUMN retail.mv_weekly_sales_trends.iso_year IS 'Year of the ISO week; differs from the calendar year around New Year.';
COMMENT ON COLUMN retail.mv_weekly_sales_trends.trading_days IS 'Business days with at least one sale.';
COMMENT ON COLUMN retail.mv_weekly_sales_trends.transactions IS 'Distinct transactions with at least one sold line.';
COMMENT ON COLUMN retail.mv_weekly_sales_trends.units_sold IS 'Sum of quantities that are not negative.';
COMMENT ON COLUMN retail.mv_weekly_sales_trends.units_returned IS 'Sum of negative quantities, as a positive number.';
COMMENT ON COLUMN retail.mv_weekly_sales_trends.gross_sales IS 'Sum of the totals of sold lines, after discount.';
COMMENT ON COLUMN retail.mv_weekly_sales_trends.discounts IS 'Discount given on sold lines; already off gross_sales.';
COMMENT ON COLUMN retail.mv_weekly_sales_trends.returns IS 'Sum of the totals of returned lines, as a positive amount.';
COMMENT ON COLUMN retail.mv_weekly_sales_trends.net_sales IS 'gross_sales - returns.';
COMMENT ON COLUMN retail.mv_weekly_sales_trends.average_basket IS 'gross_sales by transaction; null on a day without a sale.';
COMMENT ON COLUMN retail.mv_weekly_sales_trends.previous_week_net_sales IS 'Of the calendar week before; null when it had neither sales nor returns.';
COMMENT ON COLUMN retail.mv_weekly_sales_trends.change_percent IS 'Change of net_sales on the week before, in percent.';
COMMENT ON COLUMN retail.mv_weekly_sales_trends.four_week_average_net_sales IS 'Mean net_sales of this and the three weeks before, those that there are.';

COMMENT ON COLUMN retail.mv_quarterly_sales_summary.trading_days IS 'Business days with at least one sale.';
COMMENT ON COLUMN retail.mv_quarterly_sales_summary.transactions IS 'Distinct transactions with at least one sold line.';
COMMENT ON COLUMN retail.mv_quarterly_sales_summary.return_transactions IS 'Distinct transactions with at least one returned line.';
COMMENT ON COLUMN retail.mv_quarterly_sales_summary.units_sold IS 'Sum of quantities that are not negative.';
COMMENT ON COLUMN retail.mv_quarterly_sales_summary.units_returned IS 'Sum of negative quantities, as a positive number.';
COMMENT ON COLUMN retail.mv_quarterly_sales_summary.gross_sales IS 'Sum of the totals of sold lines, after discount.';
COMMENT ON COLUMN retail.mv_quarterly_sales_summary.discounts IS 'Discount given on sold lines; already off gross_sales.';
COMMENT ON COLUMN retail.mv_quarterly_sales_summary.returns IS 'Sum of the totals of returned lines, as a positive amount.';
COMMENT ON COLUMN retail.mv_quarterly_sales_summary.net_sales IS 'gross_sales - returns.';
COMMENT ON COLUMN retail.mv_quarterly_sales_summary.average_basket IS 'gross_sales by transaction; null on a day without a sale.';
COMMENT ON COLUMN retail.mv_quarterly_sales_summary.returned_percent IS 'returns by gross_sales, in percent.';
COMMENT ON COLUMN retail.mv_quarterly_sales_summary.previous_year_net_sales IS 'Of the same quarter a year before; null when there is none.';
COMMENT ON COLUMN retail.mv_quarterly_sales_summary.change_on_year_percent IS 'Change of net_sales on the same quarter a year before, in percent.';

COMMENT ON COLUMN retail.mv_daily_sales_by_product.units_sold IS 'Sum of quantities that are not negative.';
COMMENT ON COLUMN retail.mv_daily_sales_by_product.units_returned IS 'Sum of negative quantities, as a positive number.';
COMMENT ON COLUMN retail.mv_daily_sales_by_product.gross_sales IS 'Sum of the totals of sold lines, after discount.';
COMMENT ON COLUMN retail.mv_daily_sales_by_product.discounts IS 'Discount given on sold lines; already off gross_sales.';
COMMENT ON COLUMN retail.mv_daily_sales_by_product.returns IS 'Sum of the totals of returned lines, as a positive amount.';
COMMENT ON COLUMN retail.mv_daily_sales_by_product.net_sales IS 'gross_sales - returns.';
COMMENT ON COLUMN retail.mv_daily_sales_by_product.average_price IS 'gross_sales by unit sold: after discount.';

COMMENT ON COLUMN retail.daily_sales_by_product.units_sold IS 'Sum of quantities that are not negative.';
COMMENT ON COLUMN retail.daily_sales_by_product.units_returned IS 'Sum of negative quantities, as a positive number.';
COMMENT ON COLUMN retail.daily_sales_by_product.gross_sales IS 'Sum of the totals of sold lines, after discount.';
COMMENT ON COLUMN retail.daily_sales_by_product.discounts IS 'Discount given on sold lines; already off gross_sales.';
COMMENT ON COLUMN retail.daily_sales_by_product.returns IS 'Sum of the totals of returned lines, as a positive amount.';
COMMENT ON COLUMN retail.daily_sales_by_product.net_sales IS 'gross_sales - returns.';
COMMENT ON COLUMN retail.daily_sales_by_product.average_price IS 'gross_sales by unit sold: after discount.';
