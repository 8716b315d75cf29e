"""What the rows of /api/vehicles/dropdown hold, for the OpenAPI document. Names are vPIC's own where it has one."""

from pydantic import BaseModel, Field


class Year(BaseModel):
    ModelYear: int


class Make(BaseModel):
    Make_ID: int
    Make_Name: str


class Model(Make):
    Model_ID: int
    Model_Name: str


class Trim(BaseModel):
    Trim_ID: int = Field(description="The same in every release.")
    Trim: str


class Engine(BaseModel):
    Engine_ID: int = Field(description="The same in every release.")
    Engine_Name: str = Field(description="All that is known in a line.")
    EngineModel: str | None
    DisplacementL: str | None
    EngineCylinders: str | None
    FuelTypePrimary: str | None


class Transmission(BaseModel):
    Transmission_ID: int = Field(description="The same in every release.")
    Transmission_Name: str = Field(description="All that is known in a line.")
    TransmissionStyle: str | None
    TransmissionSpeeds: str | None


class Dropdown(BaseModel):
    """vPIC's envelope."""

    Count: int
    Message: str
    SearchCriteria: str | None
    Stale: bool = Field(description="The database is away: this is the last answer it gave.")


class Years(Dropdown):
    Results: list[Year]


class Makes(Dropdown):
    Results: list[Make]


class Models(Dropdown):
    Results: list[Model]


class Trims(Dropdown):
    Results: list[Trim]


class Engines(Dropdown):
    Results: list[Engine]


class Transmissions(Dropdown):
    Results: list[Transmission]
