"""Progress of long work, as it reads where there is no terminal."""

import pytest

from shared import progress
from shared.progress import Progress, show_seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


def test_items_are_counted(clock: list[float], capsys: pytest.CaptureFixture) -> None:
    with Progress("files", 3) as bar:
        bar.advance("a")
        clock[0] += 6
        bar.advance("b")
    assert capsys.readouterr().out == "  files: 2 of 3, b\n"


def test_time_left_goes_by_bytes_of_this_start(clock: list[float]) -> None:
    with Progress("import", 100_000_000, in_bytes=True, done=50_000_000) as bar:
        bar.advance("a", 1_000_000)
        assert bar.describe() == "51.0 of 100.0 MB"  # too early to say
        clock[0] += 10
        bar.advance("b", 9_000_000)
        # 10 MB in 10 s: what was done before says nothing of the rate
        assert bar.describe() == "60.0 of 100.0 MB, 1.00 MB/s, about 40 s left"
        clock[0] += 3600
        assert "about 4.0 h left" in bar.describe()


def test_spans_are_as_exact_as_an_estimate_deserves() -> None:
    assert [show_seconds(span) for span in (3.4, 89, 600, 7200)] == ["3 s", "89 s", "10 min", "2.0 h"]
