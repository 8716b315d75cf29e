-- Gives each line of a new return the line of the parent that it takes back. Reads sale and line; read as link_returns.
WITH pairs AS (
    SELECT DISTINCT ON (back.sale_id, back.line_no) back.sale_id, back.line_no, original.line_no AS source_line
    FROM sale
    JOIN line AS back USING (sale_id)
    JOIN line AS original ON original.sale_id = sale.parent_id AND original.product_id = back.product_id
    WHERE sale.kind = 'return' AND sale.sold_at > %(after)s
      AND original.quantity >= -back.quantity AND original.unit_price >= back.unit_price
    ORDER BY back.sale_id, back.line_no, original.line_no
)
UPDATE line SET source_line = pairs.source_line
FROM pairs
WHERE pairs.sale_id = line.sale_id AND pairs.line_no = line.line_no
