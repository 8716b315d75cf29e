-- Takes the summaries by product of touched days away.
DELETE FROM retail.daily_product_sales WHERE business_date = ANY(%(days)s::date[]);
