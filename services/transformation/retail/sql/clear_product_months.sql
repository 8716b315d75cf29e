-- Takes the summaries by product of touched months away.
DELETE FROM retail.monthly_product_sales
WHERE month_start IN (SELECT date_trunc('month', day)::date FROM unnest(%(days)s::date[]) AS day);
