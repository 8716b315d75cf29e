"""What the rows of /api/rides and of the year-over-year answers hold, for the OpenAPI document. What the columns
mean stands in docs/parks.md; a test compares the names."""

from datetime import date, datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, Field

from services.api.retail_rows import PageInfo

Status = Literal["OPERATING", "DOWN", "CLOSED", "REFURBISHMENT", "UNKNOWN"]
Source = Literal["ARCHIVE", "LIVE"]


class RideInfo(BaseModel):
    entity_id: UUID
    name: str | None
    park_id: UUID | None
    timezone: str = Field(description="IANA zone of the park today.")


class QueuePosting(BaseModel):
    queue_type: Literal["SINGLE_RIDER", "RETURN_TIME", "PAID_RETURN_TIME", "BOARDING_GROUP", "PAID_STANDBY"]
    wait_minutes: int | None
    state: str | None
    return_start_at: datetime | None
    return_end_at: datetime | None
    price_minor: int | None = Field(description="In the currency's smallest unit: 2100 is 21.00 USD.")
    currency: str | None
    group_start: int | None
    group_end: int | None
    next_allocation_at: datetime | None


class Snapshot(BaseModel):
    recorded_at: datetime = Field(description="UTC, to the microsecond.")
    local_time: str = Field(description="The park's clock, without an offset.")
    status: Status
    wait_minutes: int | None = Field(description="Posted standby wait; null where none was posted.")
    data_source: Source
    source_updated_at: datetime | None
    queues: list[QueuePosting] = Field(description="Queues other than standby. Not in CSV.")


class CursorInfo(BaseModel):
    limit: int
    next: str | None = Field(description="Address of the next page, null on the last one.")


class HistoryPage(BaseModel):
    ride: RideInfo
    data: list[Snapshot]
    page: CursorInfo


class OfStatistics(BaseModel):
    local_date: date
    samples: int = Field(description="Posted waits; min, mean and max are over these.")
    min_wait: int | None
    mean_wait: float | None
    p50_wait: float | None = Field(description="Weighted by the minutes that a wait stood; p90 likewise.")
    p90_wait: float | None
    max_wait: int | None
    operating_minutes: float = Field(description="Inside published hours; down_minutes likewise.")
    down_minutes: float
    open_minutes: float = Field(description="Published minutes of the park.")
    covered_share: float | None = Field(description="Share of them in which the status is known.")
    data_source: Source


class DailyStatistics(OfStatistics):
    pass


class HourlyStatistics(OfStatistics):
    hour_start: datetime
    local_hour: int


class StatisticsPage(BaseModel):
    ride: RideInfo
    data: list[DailyStatistics | HourlyStatistics]
    page: PageInfo


class Comparison(BaseModel):
    """One of month_start, local_date and local_hour is there, by `by`."""

    month_start: date | None = None
    local_date: date | None = None
    local_hour: int | None = None
    samples: int
    previous_samples: int
    mean_wait: float | None
    previous_mean_wait: float | None
    change_minutes: float | None
    change_percent: float | None
    max_wait: int | None
    previous_max_wait: int | None
    days: int = Field(description="Days with a posted wait: what the figures are made of.")
    previous_days: int
    rides: int = Field(description="Rides with a posted wait.")
    previous_rides: int


class Period(BaseModel):
    first_day: date
    last_day: date
    previous_first: date
    previous_last: date


class ComparisonPage(BaseModel):
    period: Period | None = Field(description="The days compared; null while there are no statistics.")
    data: list[Comparison]
    page: PageInfo
