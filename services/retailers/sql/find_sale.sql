-- One transaction by its reference. Read by POST /_mutations.
SELECT sale_id, reference, kind, sold_at, updated_at FROM sale WHERE reference = %(reference)s AND kind <> 'origin'
