-- Points the refunds without an order to those that add_origins made, and marks all new refunds as pending.
UPDATE sale
SET parent_id = coalesce(parent_id, sale_id - 100000), is_pending = true
WHERE kind IN ('return', 'adjustment') AND sold_at > %(after)s
