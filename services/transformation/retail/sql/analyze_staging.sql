-- Tells the planner how many distinct transactions, products and customers came.
ANALYZE staging.retail_sales (retailer_id, business_date, store_id, customer_id, product_id, transaction_id);
