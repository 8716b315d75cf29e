-- One row a transaction of which a line came twice in the batch.
-- Reads: staging.retail_sales. Read by: find_contested.
CREATE TEMP TABLE load_repeated ON COMMIT DROP AS
SELECT DISTINCT retailer_id, transaction_id
FROM (
    SELECT retailer_id, transaction_id
    FROM staging.retail_sales
    GROUP BY retailer_id, transaction_id, line_id
    HAVING count(*) > 1
) AS lines;
