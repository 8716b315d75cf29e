-- Tells the planner how large the summaries are; autovacuum never sees a temporary table.
ANALYZE fresh_product_sales;
