DROP TABLE vehicles.api_staging;
