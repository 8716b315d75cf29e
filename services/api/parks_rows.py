"""What the rows of /api/parks and /api/attractions hold, for the OpenAPI document."""

from datetime import date, datetime
from typing import Any

from pydantic import BaseModel, Field

from services.api.retail_rows import PageInfo


class Park(BaseModel):
    park_id: str
    name: str | None = Field(description="Null while only events have named the park.")
    slug: str | None
    destination_id: str | None
    destination_name: str | None
    timezone: str = Field(description="IANA name; its days are the park's.")
    is_timezone_known: bool = Field(
        description="False while nothing has named the park's zone: UTC stands in for it then."
    )
    latitude: float | None
    longitude: float | None
    local_date: date = Field(description="Today, where the park is.")
    opens_at: datetime | None = Field(
        description="First opening of today's published hours; null: none known."
    )
    closes_at: datetime | None
    is_open: bool | None = Field(description="Inside published hours now; null: no hours known for today.")
    attractions: int
    last_polled_at: datetime | None = Field(description="The last live answer about it.")


class Queue(BaseModel):
    queue_type: str = Field(
        description="SINGLE_RIDER, RETURN_TIME, PAID_RETURN_TIME, BOARDING_GROUP, PAID_STANDBY."
    )
    wait_minutes: int | None
    state: str | None
    return_start_at: datetime | None
    return_end_at: datetime | None
    price_minor: int | None = Field(description="In the currency's smallest unit; 0 is free, null unknown.")
    currency: str | None
    group_start: int | None
    group_end: int | None


class LiveEntity(BaseModel):
    entity_id: str
    name: str | None
    entity_type: str | None
    status: str = Field(description="OPERATING, DOWN, CLOSED, REFURBISHMENT or UNKNOWN.")
    wait_minutes: int | None = Field(description="Posted standby wait.")
    is_present: bool = Field(description="The last answer named it. Absent is not CLOSED.")
    recorded_at: datetime = Field(
        description="When it was first, or within the last hour, seen posting this."
    )
    last_polled_at: datetime = Field(description="The last answer that covered it: freshness goes by this.")
    source_updated_at: datetime | None = Field(
        description="The source's own lastUpdated, which may be years old."
    )
    queues: list[Queue]
    showtimes: list[Any] | None = Field(description="As the source has them.")


class Nearby(BaseModel):
    entity_id: str
    name: str | None
    park_id: str | None
    park_name: str | None
    latitude: float
    longitude: float
    distance_m: float = Field(description="As the crow flies, metres.")
    is_indoor: bool | None = Field(description="From the maintained list; null: not in it.")
    min_height_cm: int | None = Field(description="Null: no limit, or none known.")
    max_height_cm: int | None
    attraction_type: str | None
    completeness: float = Field(description="Share of the describing fields that are known, percent.")


class ParksPage(BaseModel):
    data: list[Park]
    page: PageInfo


class LivePage(BaseModel):
    park_id: str
    name: str | None
    timezone: str
    data: list[LiveEntity]
    page: PageInfo


class NearbyPage(BaseModel):
    data: list[Nearby]
    page: PageInfo
