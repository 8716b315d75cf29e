-- The vehicles that people wrote down go with it.
DROP TABLE vehicles.garage;
