"""A release that older code compiled heals after an upgrade, and readers answer meanwhile."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from shared import cli, db
from shared.errors import DataError
from shared.vin import Decoder, parts
from shared.vin.compile import compile_release
from shared.vin.store import database_reader, has_decoder, is_outdated
from tests.integration.vehicles.conftest import House
from tests.integration.vehicles.mini import Mini


def compile_as_older(house: House, schema: str) -> None:
    """Compile as code did whose format was another."""
    with pytest.MonkeyPatch.context() as patch, db.transaction(house.conn):
        patch.setattr(parts, "FORMAT", b"vin0")
        compile_release(house.conn, schema)


def decoder_of(conn: db.Connection) -> Decoder:
    return Decoder(database_reader(lambda: conn))


def knows(decoder: Decoder, vin: str) -> bool:
    """Tell whether the manufacturer of a VIN is known: error 7 says that it is not."""
    return 7 not in decoder.decode(vin).error_codes and 7 in decoder.decode("ZZZ" + vin[3:]).error_codes


def vin(house: House) -> str:
    """Return a VIN of the live release."""
    return f"{house.value('SELECT min(wmi) FROM vpic.wmi'):0<17}"


@pytest.fixture
def upgraded(house: House) -> Iterator[House]:
    """Two releases, both compiled by the version before."""
    house.load_mini("2026_07")
    house.load_mini("2026_08")
    for schema in ("vpic", "vpic_previous"):
        compile_as_older(house, schema)
    with pytest.raises(DataError, match="cronhouse vehicles compile"):
        decoder_of(house.conn).decode(vin(house))
    yield house


def test_the_job_compiles_before_it_asks_the_source(upgraded: House):
    """Also when the source has nothing, or cannot be had."""
    decoder = decoder_of(upgraded.conn)
    result = upgraded.load(upgraded.folder / "no.zip")
    assert result.status == "failed" and "no such file" in result.reason
    assert list(result.stages)[:2] == ["compile live", "compile previous"]
    assert all(has_decoder(upgraded.conn, schema) for schema in ("vpic", "vpic_previous"))
    assert knows(decoder, vin(upgraded))
    assert upgraded.live() == ("2026_08", 3)
    assert "compile live" not in upgraded.load(Mini("2026_08").write(upgraded.folder)).stages


def test_what_cannot_be_compiled_is_said_and_a_newer_release_is_loaded(upgraded: House):
    upgraded.conn.cursor().execute("DELETE FROM vpic.pattern")
    upgraded.conn.commit()
    result = upgraded.load_mini("2026_08")
    assert result.status == "failed" and "nothing to compile" in result.reason
    assert is_outdated(upgraded.conn, "vpic")
    assert upgraded.load_mini("2026_10").status == "succeeded"
    assert upgraded.live() == ("2026_10", 3)


def test_by_hand(upgraded: House, monkeypatch, capsys):
    monkeypatch.setenv("CRONHOUSE_ENV_FILE", "/dev/null")
    for name, value in upgraded.settings.environ.items():
        monkeypatch.setenv(name, value)
    assert cli.call(["vehicles", "compile"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert "release 2026_08 (live) is compiled" in said and "release 2026_07 (previous) is compiled" in said
    assert knows(decoder_of(upgraded.conn), vin(upgraded))
    assert cli.call(["vehicles", "compile"]) == 0
    assert "nothing to do" in capsys.readouterr().out


def test_by_hand_without_a_release(house: House, monkeypatch, capsys):
    monkeypatch.setenv("CRONHOUSE_ENV_FILE", "/dev/null")
    for name, value in house.settings.environ.items():
        monkeypatch.setenv(name, value)
    assert cli.call(["vehicles", "compile"]) == 1
    assert "there is no live release" in capsys.readouterr().err


def test_readers_answer_until_the_commit_and_after_it(house: House):
    house.load_mini("2026_08")
    with db.transaction(house.conn):
        compile_release(house.conn, "vpic")
    with closing(db.connect(house.settings)) as reader:
        db.execute(reader, "SET lock_timeout = '5s'; SET statement_timeout = '30s'")
        reader.commit()
        decoder = decoder_of(reader)
        asked = vin(house)
        assert knows(decoder, asked)
        with db.transaction(house.conn):
            compile_release(house.conn, "vpic")
            assert decoder.refresh() is False
            assert knows(decoder_of(reader), asked)
        assert decoder.refresh() is True
        assert knows(decoder, asked)
