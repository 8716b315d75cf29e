"""Who waits when the source of the live API is busy, against a real server that answers as it is told."""

import pytest

from services.ingestion.sources import themeparks_api
from services.ingestion.sources.themeparks_api import Gate, ThemeParks
from tests.unit.test_http import Server


@pytest.mark.parametrize(
    ("status", "waits"), [(429, 1), (503, 0)], ids=["429-for-everybody", "503-for-itself"]
)
def test_a_refusal_that_names_no_wait(monkeypatch: pytest.MonkeyPatch, status: int, waits: int) -> None:
    monkeypatch.setattr(themeparks_api, "FIRST_WAIT", 0.01)
    server, gate = Server(), Gate()
    server.script = [(status, {}, b""), (200, {}, b"[]")]
    api = ThemeParks(server.url, gate)
    try:
        assert api.get("live", bytes.decode).content == "[]"
    finally:
        api.close()
        server.httpd.shutdown()
        server.httpd.server_close()
    assert len(server.asked) == 2 and gate.waits == waits
