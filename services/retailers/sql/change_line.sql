-- Changes one line of a sale; what is null stays. Read by every page that shows lines.
UPDATE line
SET quantity = coalesce(%(quantity)s, quantity),
    unit_price = coalesce(%(unit_price)s, unit_price),
    discount = coalesce(%(discount)s, discount),
    name = coalesce(%(name)s, name)
WHERE sale_id = %(sale_id)s AND line_no = %(line)s
