-- Vehicles of the holder of a key: every statement names the owner.

-- name: list
SELECT vehicle_id, name, vin, model_year, make, model, notes, decoded, created_at, updated_at
FROM vehicles.garage
WHERE key_id = %(key_id)s
ORDER BY vehicle_id
LIMIT %(limit)s OFFSET %(offset)s

-- name: find
SELECT vehicle_id, name, vin, model_year, make, model, notes, decoded, created_at, updated_at
FROM vehicles.garage
WHERE key_id = %(key_id)s AND vehicle_id = %(vehicle_id)s

-- name: add
-- No row comes back when the owner has the VIN already.
INSERT INTO vehicles.garage (key_id, name, vin, model_year, make, model, notes, decoded)
VALUES (%(key_id)s, %(name)s, %(vin)s, %(model_year)s, %(make)s, %(model)s, %(notes)s, %(decoded)s)
ON CONFLICT (key_id, vin) DO NOTHING
RETURNING vehicle_id, name, vin, model_year, make, model, notes, decoded, created_at, updated_at

-- name: change
-- No row comes back when the owner has the VIN on another vehicle already.
UPDATE vehicles.garage
SET name = %(name)s, vin = %(vin)s, model_year = %(model_year)s, make = %(make)s, model = %(model)s,
    notes = %(notes)s, decoded = %(decoded)s, updated_at = now()
WHERE key_id = %(key_id)s AND vehicle_id = %(vehicle_id)s
  AND NOT EXISTS (SELECT FROM vehicles.garage other
                  WHERE other.key_id = %(key_id)s AND other.vin = %(vin)s AND other.vehicle_id <> %(vehicle_id)s)
RETURNING vehicle_id, name, vin, model_year, make, model, notes, decoded, created_at, updated_at

-- name: remove
DELETE FROM vehicles.garage WHERE key_id = %(key_id)s AND vehicle_id = %(vehicle_id)s
