DROP TABLE staging.retail_sales;
DROP SCHEMA retail CASCADE;
DROP SCHEMA IF EXISTS staging;
