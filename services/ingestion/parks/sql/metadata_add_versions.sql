-- One row a described entity that has no version of today: it is new, or metadata_close_versions has closed it. Reads
-- given_metadata; read by the attractions nearby and the coverage check.
INSERT INTO parks.entity_metadata
    (ride_id, valid_from, latitude, longitude, min_height_cm, min_height_unaccompanied_cm, max_height_cm, entity_type,
     attraction_type, is_indoor, tags, attributes, completeness, fingerprint)
SELECT ride_id, %(now)s, latitude, longitude, min_height_cm, min_height_unaccompanied_cm, max_height_cm, entity_type,
       attraction_type, is_indoor, tags, attributes, completeness, fingerprint
FROM given_metadata AS given
WHERE NOT EXISTS (SELECT FROM parks.entity_metadata AS version WHERE version.ride_id = given.ride_id AND version.valid_to IS NULL)
ORDER BY ride_id;
