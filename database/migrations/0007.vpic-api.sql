-- What the vPIC web API answered: a first look at makes, models and VINs without a release of one's own.

CREATE TABLE vehicles.api_staging (
    resource   text PRIMARY KEY,
    fetched_at timestamptz NOT NULL DEFAULT now(),
    results    jsonb NOT NULL
);
COMMENT ON TABLE vehicles.api_staging IS 'One row a question to the vPIC web API, with its newest answer: written by cronhouse vehicles look, and read by it again for a week.';
COMMENT ON COLUMN vehicles.api_staging.resource IS 'What was asked, e.g. GetAllMakes, GetModelsForMakeId/460, DecodeVinValues/1FTFW1ET5DFC10312.';
COMMENT ON COLUMN vehicles.api_staging.results IS 'The list `Results` of the answer, as it came.';
