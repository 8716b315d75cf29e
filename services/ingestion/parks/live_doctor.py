"""What `cronhouse doctor` asks of the theme parks' API: the list of destinations, with the real client."""

from collections.abc import Iterator

from services.ingestion.sources.parks_live import read_lenient
from services.ingestion.sources.parks_metadata import expect
from services.ingestion.sources.themeparks_api import TIMEOUTS, USER_AGENT, api_url
from shared.config import Settings
from shared.errors import ConfigError, CronhouseError
from shared.http import Client


def check_sources(settings: Settings) -> Iterator[tuple[str, str | None]]:
    """Yield the API with what is wrong, None when it answers; asked once, without waiting."""
    try:
        url = api_url(settings)
    except ConfigError as exc:
        yield "THEMEPARKS_API_URL", str(exc)
        return
    client = Client("the ThemeParks API", url, headers={"User-Agent": USER_AGENT}, timeouts=TIMEOUTS,
                    credentials_hint="it is open: is a proxy in between?")  # fmt: skip
    try:
        body, _ = client.get_once("destinations")
        content = read_lenient(body, client.where("destinations"), lambda *said: None)
        expect(content, "destinations", client.where("destinations"))
        yield "THEMEPARKS_API_URL", None
    except CronhouseError as exc:
        yield (
            "THEMEPARKS_API_URL",
            f"{exc} (THEMEPARKS_API_URL is {url}; the container needs a way out to it)",
        )
    finally:
        client.close()
