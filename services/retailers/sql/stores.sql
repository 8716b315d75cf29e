-- The stores. Read by GET /v2/locations and by searches.
SELECT store_no, store_id, name FROM store ORDER BY store_no
