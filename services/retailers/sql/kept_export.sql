-- An export that was kept because a later correction would change it. Read by GET /exports/sales_<day>.csv.gz.
SELECT body FROM export_file WHERE day = %(day)s
