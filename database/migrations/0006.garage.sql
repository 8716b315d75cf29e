-- depends: 0004.vehicles 0005.void-transactions
-- Vehicles that the holder of a key keeps through the API.

CREATE TABLE vehicles.garage (
    vehicle_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key_id     bigint NOT NULL REFERENCES ops.api_key (key_id),
    name       text,
    vin        text CHECK (length(vin) BETWEEN 1 AND 17),
    model_year integer,
    make       text,
    model      text,
    notes      text,
    decoded    jsonb,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE vehicles.garage IS 'One row a vehicle that the holder of an API key keeps. The API shows it to this key alone; analysts do not see the table.';
COMMENT ON COLUMN vehicles.garage.key_id IS 'Whose vehicle it is.';
COMMENT ON COLUMN vehicles.garage.name IS 'What the owner calls it.';
COMMENT ON COLUMN vehicles.garage.vin IS 'In upper case; null for a vehicle that is known by make and model alone.';
COMMENT ON COLUMN vehicles.garage.model_year IS 'As the owner gave it, else as decoded from the VIN; make and model likewise.';
COMMENT ON COLUMN vehicles.garage.decoded IS 'What the VIN told when it was given: the answer of /api/vehicles/vin/<vin> at that time.';
CREATE UNIQUE INDEX garage_owner_vin ON vehicles.garage (key_id, vin);
CREATE INDEX garage_owner ON vehicles.garage (key_id, vehicle_id);
