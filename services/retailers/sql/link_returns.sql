-- Gives each new return of a known customer the latest earlier sale that holds every line of it, where there is one.
-- Reads and writes sale; read by the pages of refunds and returns.
WITH wanted AS (
    SELECT sale_id, customer_id, sold_at, count(*) AS lines
    FROM sale JOIN line USING (sale_id)
    WHERE kind = 'return' AND customer_id IS NOT NULL AND sold_at > %(after)s AND parent_id IS NULL
    GROUP BY sale_id
),
covered AS (
    SELECT wanted.sale_id, wanted.lines, bought.sale_id AS parent_id, bought.sold_at, count(DISTINCT back.line_no) AS found
    FROM wanted
    JOIN line AS back USING (sale_id)
    JOIN sale AS bought
      ON bought.customer_id = wanted.customer_id AND bought.kind = 'sale' AND bought.sold_at < wanted.sold_at
    JOIN line AS original
      ON original.sale_id = bought.sale_id AND original.product_id = back.product_id
     AND original.quantity >= -back.quantity AND original.unit_price >= back.unit_price
    GROUP BY wanted.sale_id, wanted.lines, bought.sale_id, bought.sold_at
),
chosen AS (
    SELECT DISTINCT ON (sale_id) sale_id, parent_id
    FROM covered
    WHERE found = lines
    ORDER BY sale_id, sold_at DESC, parent_id
)
UPDATE sale SET parent_id = chosen.parent_id
FROM chosen
WHERE chosen.sale_id = sale.sale_id
