"""The source `mssql`: streamed, resumable per table, and clear about what is wrong."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from services.vehicle_etl.sources import odbc as odbc_source
from services.vehicle_etl.sources.odbc_rows import Rows
from shared import db
from shared.errors import ConfigError
from tests.conftest import cloned_database, settings_for
from tests.integration.vehicles.conftest import House
from tests.integration.vehicles.mini import Mini
from tests.integration.vehicles.odbc import FakeOdbc, connection_string, has_free_tds, has_real_driver
from tests.integration.vehicles.tds import turning_away


@pytest.fixture
def server(pg_server, pg_template, tmp_path: Path, without_derived) -> Iterator[SimpleNamespace]:
    """A database that has vPIC's tables in schema vpic, and how ODBC reaches it."""
    folder = tmp_path / "server"
    folder.mkdir()
    with cloned_database(pg_server, pg_template) as url:
        settings = settings_for(url, folder)
        conn = db.connect(settings)
        there = House(settings, conn, folder)
        mini = Mini("2026_08", wmis=5)
        mini.tables["make"][1][3][1] = 'odd "name", with\\nlines and \\\\ an accent é'
        mini.tables["enginemodel"][1][2][2] = ""
        mini.tables["enginemodel"][1][3][2] = None
        assert there.load(mini.write(folder)).status == "succeeded"
        yield SimpleNamespace(
            house=there, conn=conn, environ={"MSSQL_SOURCE_CONNECTION": connection_string(url)}
        )
        conn.close()


@pytest.fixture(params=["stand-in", *(["odbc-postgresql"] if has_real_driver() else [])])
def odbc(request, monkeypatch) -> FakeOdbc | None:
    """The stand-in, and the real driver where it is installed."""
    return use(monkeypatch) if request.param == "stand-in" else None


def use(monkeypatch, **options) -> FakeOdbc:
    fake = FakeOdbc(**options)
    monkeypatch.setattr(odbc_source, "pyodbc", lambda: fake)
    return fake


def content(house: House) -> dict[str, list[dict]]:
    return {
        name: house.all(f"SELECT * FROM vpic.{name} AS t ORDER BY t::text")
        for name in Mini().tables
        if name != "wmiyearvalidchars_cacheexceptions"
    }


def test_it_brings_what_the_dump_brings(house, server, odbc):
    result = house.load("mssql", **server.environ)
    assert result.status == "succeeded", result.reason
    assert content(house) == content(server.house)
    assert house.all("SELECT id, description FROM vpic.enginemodel WHERE id IN (3, 4) ORDER BY id") == [
        {"id": 3, "description": ""},
        {"id": 4, "description": None},
    ]
    source = house.value("SELECT source FROM vehicles.release")
    assert source.startswith("SQL Server /") and "UID" not in source


def test_it_skips_a_release_that_is_not_newer(house, server, odbc):
    assert house.load("mssql", **server.environ).counts.read > 300
    assert (
        house.value("SELECT name FROM vpic.release") == "2026_08_05"
    )  # the newest change: nothing else says it
    result = house.load("mssql", **server.environ)
    assert (result.status, result.counts.read) == ("succeeded", 0)
    assert house.load("mssql", force=True, **server.environ).counts.read > 300


def test_rows_are_read_in_the_order_of_their_key(house, server, monkeypatch):
    fake = use(monkeypatch)
    house.load("mssql", **server.environ)
    selects = [text for text in fake.statements if text.startswith("SELECT ") and '."wmi_vinschema"' in text]
    assert selects[-1].endswith('FROM "vpic"."wmi_vinschema" ORDER BY "id"')


def test_a_cut_in_the_middle_of_a_table_is_gone_on_with(house, server, monkeypatch):
    assert house.load_mini("2026_07").status == "succeeded"
    use(monkeypatch, fail_after=150)
    result = house.load("mssql", **server.environ)
    assert result.status == "failed"
    assert (
        "the connection was cut" in result.reason
        and "after row" in result.reason
        and ": table " in result.reason
    )
    assert house.live() == ("2026_07", 3)
    there = house.value(
        "SELECT count(*) FROM vehicles.release, jsonb_object_keys(tables) WHERE state = 'loading'"
    )
    assert there > 10
    fake = use(monkeypatch)
    result = house.load("mssql", **server.environ)
    assert result.status == "succeeded" and content(house) == content(server.house)
    read_again = [
        text
        for text in fake.statements
        if text.startswith("SELECT ") and " ORDER BY " in text and "SCHEMA." not in text
    ]
    assert len(read_again) == 97 - there
    assert house.states() == {"2026_07": "previous", "2026_08_05": "live"}
    assert house.schemas() == ["vpic", "vpic_previous"]


def test_the_real_driver_tells_of_a_cut_too(house, server, odbc, monkeypatch):
    if odbc is not None:
        use(monkeypatch, fail_after=20)
    else:
        original = Rows.read

        def cut(rows: Rows, size: int = -1) -> bytes:
            if rows.table == "pattern":
                server.house.all(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() "
                    "AND pid <> pg_backend_pid()"
                )
            return original(rows, size)

        monkeypatch.setattr(Rows, "read", cut)
    result = house.load("mssql", **server.environ)
    assert result.status == "failed" and "the connection was cut" in result.reason


def test_a_load_cut_off_after_its_tables_begins_anew(house, server, monkeypatch):
    from services.vehicle_etl.vehicles import verify
    from shared.errors import TransientError

    def lost(*arguments):
        raise TransientError("the server went away")

    use(monkeypatch)
    with monkeypatch.context() as patch:
        patch.setattr(verify, "verify", lost)
        assert house.load("mssql", **server.environ).status == "failed"
    assert len(house.schemas()) == 1
    assert house.load("mssql", **server.environ).status == "succeeded"
    assert house.schemas() == ["vpic"] and content(house) == content(server.house)


def test_a_dump_takes_the_place_of_a_load_that_was_cut_off(house, server, monkeypatch):
    use(monkeypatch, fail_after=150)
    assert house.load("mssql", **server.environ).status == "failed"
    assert house.load_mini("2026_10").status == "succeeded"
    assert house.states() == {"2026_08_05": "failed", "2026_10": "live"}
    assert house.schemas() == ["vpic"]


def test_a_table_that_changes_while_it_is_read(house, server, monkeypatch):
    use(monkeypatch)
    monkeypatch.setattr(Rows, "_fetch", lambda rows: rows._check_count() or [])
    result = house.load("mssql", **server.environ)
    assert "it changed while it was read" in result.reason


def test_a_database_without_the_tables(house, pg_server, pg_template, odbc):
    with cloned_database(pg_server, pg_template) as url:
        result = house.load("mssql", MSSQL_SOURCE_CONNECTION=connection_string(url))
    assert "has no tables of vPIC" in result.reason


@pytest.mark.parametrize(
    ("refusal", "code", "says"),
    [
        (("28000", "[28000] [FreeTDS][SQL Server]Login failed for user 'reader'. (18456)"), 2, "refused the login"),
        (("42000", "[42000] [Microsoft]Login failed for user 'reader'. (18456)"), 2, "MSSQL_SOURCE_PASSWORD"),
        (("01000", "[01000] [unixODBC]Can't open lib 'FreeTDS' : file not found"), 2, "apt-get install tdsodbc"),
        (("IM002", "[IM002] [unixODBC][Driver Manager]Data source name not found"), 2, "msodbcsql18 for Microsoft's"),
        (("08001", "[08001] [FreeTDS][SQL Server]Unable to connect to data source (0)"), 1, "cannot be reached"),
        (("HYT00", "[HYT00] [Microsoft][ODBC Driver 18]Login timeout expired (0)"), 1, "cannot be reached"),
    ],
)  # fmt: skip
def test_why_there_is_no_connection(house, monkeypatch, tmp_path, refusal, code, says):
    secret = tmp_path / "password"
    secret.write_text("p}w;d\n")
    use(monkeypatch, refuse=refusal)
    text = "Driver={FreeTDS};Server=vpic.example;Port=1433;Database=vPICList_Lite1;UID=reader"
    result = house.load("mssql", MSSQL_SOURCE_CONNECTION=text, MSSQL_SOURCE_PASSWORD_FILE=str(secret))
    assert result.exit_code == code and says in result.reason
    assert "SQL Server vpic.example:1433/vPICList_Lite1" in result.reason and "p}w" not in result.reason


def test_a_missing_setting_is_named(house):
    result = house.load("mssql")
    assert result.exit_code == 2 and "MSSQL_SOURCE_CONNECTION is not set" in result.reason


def test_a_password_in_two_places_is_refused(house, monkeypatch):
    use(monkeypatch)
    result = house.load("mssql", MSSQL_SOURCE_CONNECTION="Server=x;PWD=a", MSSQL_SOURCE_PASSWORD="b")
    assert result.exit_code == 2 and "keep" not in result.reason and "holds a password" in result.reason


def test_a_missing_driver_names_the_package(house):
    """Whatever is installed here: pyodbc alone, unixODBC without the driver, or nothing."""
    result = house.load("mssql", MSSQL_SOURCE_CONNECTION="Driver={No Such Driver};Server=x;Database=y")
    assert result.exit_code == 2 and "tdsodbc" in result.reason


def test_a_server_that_is_not_there(house, odbc, monkeypatch):
    if odbc is None:
        text = connection_string("postgresql:///x?host=/nowhere")
    else:
        use(monkeypatch, refuse=("08001", "could not connect"))
        text = "Server=x;Database=y"
    result = house.load("mssql", MSSQL_SOURCE_CONNECTION=text)
    assert result.exit_code == 1 and "cannot be reached" in result.reason


@pytest.mark.skipif(not has_free_tds(), reason="FreeTDS is not there: apt-get install libodbc2 tdsodbc")
@pytest.mark.parametrize(
    ("how", "code", "says"),
    [
        ("refuse", 2, "refused the login: check UID"),
        ("cut", 1, "cannot be reached"),
        ("closed", 1, "cannot be reached"),
    ],
)
def test_free_tds_tells_why_it_was_turned_away(house, tmp_path, how, code, says):
    """The driver that the image has, against a server that speaks its protocol as far as the login."""
    secret = tmp_path / "password"
    secret.write_text("p}w;d\n")
    with turning_away(how) as port:
        used = 1 if how == "closed" else port
        text = f"Driver=FreeTDS;Server=127.0.0.1;Port={used};Database=x;UID=reader;TDS_Version=7.4"
        result = house.load("mssql", MSSQL_SOURCE_CONNECTION=text, MSSQL_SOURCE_PASSWORD_FILE=str(secret))
    assert result.exit_code == code and says in result.reason and "p}w" not in result.reason


def test_connection_strings_are_taken_apart():
    assert odbc_source.read_parts("Driver={ODBC Driver 18 for SQL Server}; SERVER=h,1433;Database=d;PWD={a;b}}c}") == {
        "driver": "ODBC Driver 18 for SQL Server", "server": "h,1433", "database": "d", "pwd": "a;b}}c",
    }  # fmt: skip


def test_the_missing_package_is_named_without_unixodbc(monkeypatch):
    import builtins

    original = builtins.__import__

    def no_library(name, *args, **kwargs):
        if name == "pyodbc":
            raise ImportError("libodbc.so.2: cannot open shared object file")
        return original(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", no_library)
    with pytest.raises(ConfigError, match="apt-get install libodbc2 tdsodbc"):
        odbc_source.pyodbc()
