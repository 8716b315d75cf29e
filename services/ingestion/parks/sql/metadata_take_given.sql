-- One row a described entity, with indoor or outdoor from the maintained list, the share of its describing fields that
-- are known (an attraction has five, others have two), and a fingerprint of it all.
INSERT INTO given_metadata
SELECT ride.ride_id, given.latitude, given.longitude, given.min_height_cm, given.min_height_unaccompanied_cm,
       given.max_height_cm, given.entity_type, given.attraction_type, list.is_indoor, given.tags, given.attributes,
       CASE WHEN given.entity_type = 'ATTRACTION'
            THEN 100.0 * num_nonnulls(given.latitude, given.entity_type, given.attraction_type, list.is_indoor,
                                      coalesce(given.min_height_cm, given.min_height_unaccompanied_cm, given.max_height_cm)) / 5
            ELSE 100.0 * num_nonnulls(given.latitude, given.entity_type) / 2 END,
       md5(jsonb_build_array(given.latitude, given.longitude, given.min_height_cm, given.min_height_unaccompanied_cm,
                             given.max_height_cm, given.entity_type, given.attraction_type, list.is_indoor,
                             given.tags, given.attributes)::text)
FROM jsonb_to_recordset(%(rows)s::jsonb) AS given
    (entity_id uuid, latitude double precision, longitude double precision, min_height_cm smallint,
     min_height_unaccompanied_cm smallint, max_height_cm smallint, entity_type text, attraction_type text,
     tags jsonb, attributes jsonb)
JOIN parks.rides AS ride ON ride.entity_id = given.entity_id
LEFT JOIN parks.indoor_list AS list ON list.entity_id = given.entity_id;
