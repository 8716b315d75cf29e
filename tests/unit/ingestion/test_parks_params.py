"""The sections `live` and `metadata` of workflows/parks.yml."""

import pytest

from services.ingestion.parks.live_params import read_live_params, read_metadata_params, validate_live

RESORT = "e957da41-3552-4cf6-b636-5babc5cbc4e5"


def test_what_may_stand_there():
    params = {
        "live": {
            "destinations": [RESORT.upper(), RESORT],
            "workers": 2,
            "patience": "90s",
            "keep_polls": "30d",
        },
        "metadata": {"details": ["SHOW"], "pause": "1s", "indoor": "mine.csv"},
    }
    assert validate_live(params) == []
    live = read_live_params(params)
    assert (live.destinations, live.workers, live.patience, live.keep_polls_days) == ((RESORT,), 2, 90.0, 30)
    assert read_metadata_params(params).details == ("SHOW",)
    assert (
        read_live_params({}).destinations
        == ()
        == read_live_params({"live": {"destinations": "all"}}).destinations
    )


@pytest.mark.parametrize(
    ("params", "problem"),
    [
        ({"live": []}, "live: expected a mapping with destinations, workers, patience, keep_polls"),
        ({"live": {"destination": "all"}}, "live.destination: unknown key"),
        ({"live": {"destinations": ["x"]}}, "live.destinations: 'x' is not the UUID of a destination"),
        ({"live": {"destinations": []}}, "live.destinations: expected `all`, or a list"),
        ({"live": {"workers": 0}}, "live.workers: 0 is not a whole number from 1 to 16"),
        ({"live": {"workers": True}}, "live.workers: True is not"),
        ({"live": {"patience": "long"}}, "live.patience: 'long' is not a duration"),
        ({"live": {"keep_polls": "1h"}}, "live.keep_polls: '1h' is less than a day"),
        ({"metadata": {"details": ["PARK"]}}, "metadata.details: expected a list out of ATTRACTION"),
        ({"metadata": {"indoor": 1}}, "metadata.indoor: 1 is not the path of a CSV file"),
    ],
)
def test_what_may_not(params, problem):
    (found,) = validate_live(params)
    assert found.startswith(problem)
