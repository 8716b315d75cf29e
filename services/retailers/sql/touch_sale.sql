-- Makes a new version of a sale, and of the order that it refunds: both were changed at that moment. One row a sale touched.
UPDATE sale
SET updated_at = %(updated_at)s,
    version = version + 1,
    printed_time = CASE WHEN reference = %(reference)s THEN coalesce(%(printed_time)s, printed_time) ELSE printed_time END
WHERE reference = %(reference)s
   OR sale_id = (SELECT parent_id FROM sale WHERE reference = %(reference)s AND kind <> 'sale' AND %(with_parent)s)
RETURNING sale_id, reference, version, updated_at
