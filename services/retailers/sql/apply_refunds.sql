-- A refund changes its order: when its time has come, the order was modified then. Reads and writes sale.
WITH due AS (
    UPDATE sale SET is_pending = false
    WHERE is_pending AND sold_at <= %(now)s
    RETURNING parent_id, updated_at
),
latest AS (
    SELECT parent_id, max(updated_at) AS updated_at, count(*) AS refunds
    FROM due
    GROUP BY parent_id
)
UPDATE sale
SET updated_at = greatest(sale.updated_at, latest.updated_at), version = version + latest.refunds
FROM latest
WHERE latest.parent_id = sale.sale_id
