-- Keeps the export of a day as it is now. Read by GET /exports/sales_<day>.csv.gz.
INSERT INTO export_file (day, body) VALUES (%(day)s, %(body)s) ON CONFLICT DO NOTHING
