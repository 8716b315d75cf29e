-- Gives an order another status. Read by every page that shows orders.
UPDATE sale SET status = %(status)s WHERE sale_id = %(sale_id)s
