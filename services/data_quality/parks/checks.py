"""The checks of the history of parks. Severities and limits stand in workflows/parks.yml."""

from pathlib import Path

from shared.quality_rules import Check
from shared.sql import SqlFolder

POLLS = "parks.live_poll"
DAYS = "parks.ride_status_snapshots"
METADATA = "parks.entity_metadata"

CATALOGUE = {
    # is it coming in
    "stale_parks": Check(POLLS, "open parks without an answer for too long", ("max",), ("minutes",)),
    "frozen_parks": Check(POLLS, "open parks whose answers bring nothing newer", ("max",), ("minutes",)),
    "failed_polls": Check(POLLS, "share of the polls of the last day without an answer", ("max_share",)),
    # is it whole
    # a day that the archive lacks between two that it has is a hole in the history whoever made it: somebody must
    # import it, or say that it never was (issue `ignored`). It is judged when the day is looked at; its issue stays
    "gaps": Check(
        DAYS,
        "minutes of opening hours without a posting that the schedule does not explain, days between others that the "
        "archive lacks among them",
        ("max",),
        ("minutes", "poll_minutes"),
    ),
    "agreement": Check(
        DAYS,
        "share of the minutes known from both sources in which they say the same",
        ("min_share",),
        ("tolerance", "min_minutes"),
    ),
    # is it likely
    "known_status": Check(DAYS, "share of snapshots with a status that is known", ("min_share",)),
    "known_waits": Check(DAYS, "share of standby queues in operation that post a wait", ("min_share",)),
    "zero_days": Check(DAYS, "days on which every ride of a park posted 0", ("max",), ("min_waits",)),
    "night_waits": Check(
        DAYS, "share of waits above 0 outside all published hours", ("max_share",), ("slack",)
    ),
    "extreme_waits": Check(DAYS, "waits of 480 minutes and more", ("max",)),
    # is it described
    "coordinates": Check(METADATA, "share of attractions whose place is known", ("min_share",)),
    "attraction_types": Check(METADATA, "share of attractions whose kind is known", ("min_share",)),
    "indoor": Check(METADATA, "share of attractions known to be indoors or outdoors", ("min_share",)),
}

# options as the statements take them, for checks that are switched off
DEFAULTS = {
    "stale_parks_minutes": 30,
    "frozen_parks_minutes": 180,
    "gaps_minutes": 120,
    "gaps_poll_minutes": 30,
    "agreement_tolerance": 5,
    "agreement_min_minutes": 60,
    "zero_days_min_waits": 20,
    "night_waits_slack": 90,
}
STATEMENTS = SqlFolder(Path(__file__).parent / "sql")
