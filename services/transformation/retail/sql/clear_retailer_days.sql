-- Takes the summaries by retailer of touched days away.
DELETE FROM retail.daily_retailer_sales WHERE business_date = ANY(%(days)s::date[]);
