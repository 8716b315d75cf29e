-- The gaps of the due days of one month, about to be found again.
DELETE FROM parks.gap AS g USING due_day AS d
WHERE d.month = %(month)s AND g.park_id = d.park_id AND g.local_date = d.local_date;
