-- Takes one line out of a sale.
DELETE FROM line WHERE sale_id = %(sale_id)s AND line_no = %(line)s
