-- Name, usual price and category of each product; only some words get a category, as shops do it.
-- Reads line; read by catalogue pages and exports.
WITH known AS (
    SELECT product_id, max(btrim(name)) AS name, max(unit_price) AS price
    FROM line
    GROUP BY product_id
)
UPDATE product
SET name = known.name,
    price = known.price,
    category = CASE
        WHEN known.name ~* '(christmas|xmas|advent|reindeer)' THEN 'Christmas'
        WHEN known.name ~* '(t-light|candle|lantern)' THEN 'Lighting'
        WHEN known.name ~* '(mug|plate|bowl|teapot|cake|lunch)' THEN 'Kitchen'
        WHEN known.name ~* '(bag|purse|umbrella)' THEN 'Bags'
        WHEN known.name ~* '(wrap|ribbon|notebook|card)' THEN 'Stationery'
    END
FROM known
WHERE known.product_id = product.product_id
