-- One row an entity of the maintained list, which takes the place of the list before it. Read by metadata_take_given.
WITH gone AS (
    DELETE FROM parks.indoor_list WHERE entity_id <> ALL (%(ids)s::uuid[])
)
INSERT INTO parks.indoor_list AS known (entity_id, is_indoor, note)
SELECT * FROM unnest(%(ids)s::uuid[], %(indoor)s::boolean[], %(notes)s::text[])
ON CONFLICT (entity_id) DO UPDATE SET is_indoor = excluded.is_indoor, note = excluded.note
WHERE (known.is_indoor, known.note) IS DISTINCT FROM (excluded.is_indoor, excluded.note);
