"""What a driver gives arrives in PostgreSQL as it was, whatever the text and the type."""

import io
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime, time
from decimal import Decimal
from uuid import UUID

import psycopg2
import pytest

from services.vehicle_etl.sources.odbc_rows import Rows, render
from shared import db
from tests.integration.vehicles.odbc import connection_string, has_real_driver


def copied(conn, columns: str, rows: list[tuple]) -> list[tuple]:
    """Return the rows after their way through COPY, in the order of the first column."""
    with conn.cursor() as cursor:
        cursor.execute(f"CREATE TEMP TABLE copied ({columns}) ON COMMIT DROP")
        cursor.copy_expert(f"COPY copied FROM STDIN WITH ({Rows.copy_options})", io.BytesIO(render(rows)))
        assert cursor.rowcount == len(rows)
        cursor.execute("SELECT * FROM copied ORDER BY 1")
        return [tuple(row) for row in cursor.fetchall()]


@pytest.fixture
def bare(pg) -> Iterator[psycopg2.extensions.connection]:
    """A connection whose rows are tuples."""
    with closing(psycopg2.connect(pg.database_url)) as connection:
        yield connection


def test_every_character_arrives(bare):
    characters = [chr(code) for code in range(1, 0x110000) if not 0xD800 <= code < 0xE000]
    rows = [(at, "".join(characters[at : at + 1000])) for at in range(0, len(characters), 1000)]
    rows += [(10_000_000 + code, chr(code)) for code in range(1, 256)]
    assert copied(bare, "id integer, text text", rows) == rows


def test_what_looks_like_the_format_is_text(bare):
    texts = [
        "", " ", "null", "NULL", '"', '""', "\\", "\\\\", '\\"', '"\\', "\\n", "\\\n", "\\.", "\n", "\r\n", "\n\\.\n",
        "]\n[", "],[", "a,b", "[", "]", "\\u0041", "\\\\u0041", "\t", "é\n", None,
    ]  # fmt: skip
    rows = [(number, text, text) for number, text in enumerate(texts)]
    assert copied(bare, "id integer, a text, b text", rows) == rows


def test_a_table_of_one_column(bare):
    rows = [("",), ("a",), ("null",), (None,)]
    assert copied(bare, "text text", rows) == rows


def test_every_type_arrives(bare):
    rows = [
        (
            1, 2**63 - 1, True, 0.1, Decimal("1.50"), datetime(1, 1, 1), date(9999, 12, 31),
            time(23, 59, 59, 999999), UUID(int=1), datetime(2026, 8, 5, 1, 2, 3, 3000),
        ),
        (
            2, -(2**63), False, 1e300, Decimal("-12345678901234567890.123456789"), datetime(9999, 12, 31, 23, 59, 59),
            date(1, 1, 1), time(0), UUID(int=2**128 - 1), datetime(2026, 8, 5),
        ),
        (3, *[None] * 9),
    ]  # fmt: skip
    columns = (
        "id int, b bigint, c boolean, d float8, e numeric, f timestamp, g date, h time, i text, j timestamp"
    )
    found = copied(bare, columns, rows)
    assert found == [tuple(str(value) if isinstance(value, UUID) else value for value in row) for row in rows]


def test_no_rows_are_no_bytes():
    assert render([]) == b""


@pytest.mark.skipif(not has_real_driver(), reason="odbc-postgresql is not there")
def test_what_the_driver_gives_arrives(pg, conn):
    """Numbers that are none as well: JSON has no word for them."""
    from services.vehicle_etl.sources.sql_server import SqlServer

    db.execute(conn, "CREATE SCHEMA IF NOT EXISTS vpic")
    for name in ("wmi", "pattern", "vinschema"):
        db.execute(conn, f"CREATE TABLE vpic.{name} (id int)")
    db.execute(
        conn,
        "CREATE TABLE vpic.odd (id int, f float8, r real, n numeric(9, 3), t timestamp, b boolean, s text)",
    )
    db.execute(
        conn,
        "INSERT INTO vpic.odd VALUES (1, 'NaN', 'Infinity', 1.5, '2026-08-05 01:02:03.003', true, 'x'), "
        "(2, 0.1, 1.5, NULL, NULL, false, ''), (3, NULL, NULL, -0.001, '0001-01-01', NULL, NULL)",
    )
    db.execute(conn, "CREATE TABLE vpic.make (createdon timestamp)")
    db.execute(
        conn, "INSERT INTO vpic.make VALUES (%(day)s)", {"day": datetime.now(UTC).replace(tzinfo=None)}
    )
    conn.commit()
    source = SqlServer(connection_string(pg.database_url), None)
    rows = Rows(source, "odd", *source.tables["odd"])
    db.execute(conn, "CREATE TEMP TABLE copied (LIKE vpic.odd)")
    with conn.cursor() as cursor:
        cursor.copy_expert(f"COPY copied FROM STDIN WITH ({rows.copy_options})", rows)
    rows.close()
    source.close()
    assert db.fetch_value(conn, "SELECT count(*) FROM copied") == 3
    different = "SELECT * FROM copied EXCEPT ALL SELECT * FROM vpic.odd"
    assert db.fetch_all(conn, different) == []
