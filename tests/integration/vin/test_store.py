"""Parts in the database: written by the ETL, read by the decoder, changed under its feet by a newer release."""

from collections.abc import Iterator
from itertools import islice

import pytest

from shared import db
from shared.errors import DataError
from shared.vin import Decoder
from shared.vin.compile import compile_parts, compile_release
from shared.vin.source import SchemaSource
from shared.vin.store import (
    ReleaseGone,
    database_reader,
    has_decoder,
    read_parts,
    release_reader,
    write_parts,
)
from tests.unit.vin.conftest import NOW, find
from tests.unit.vin.dump import DumpSource

ACCORD = "1HGCM82633A004352"
SAMPLE = ("1HG", "1Z9417", "JH4")  # manufacturers of the sample that are loaded


class Loaded:
    """Some manufacturers of the sample release, as tables of a schema."""

    def __init__(self, conn: db.Connection, schema: str) -> None:
        self.conn, self.schema = conn, schema
        db.execute(conn, f"CREATE SCHEMA {schema}")

    def load(self, source: DumpSource) -> None:
        """Copy the tables: whole, but of patterns and valid characters only what the manufacturers need."""
        ids = {row[1] for row in source.rows("wmi", ("wmi", "id")) if row[0] in SAMPLE}
        schemas = {row[1] for row in source.rows("wmi_vinschema", ("wmiid", "vinschemaid")) if row[0] in ids}
        keep = {
            "wmi": ("id", ids),
            "wmi_vinschema": ("wmiid", ids),
            "pattern": ("vinschemaid", schemas),
            "wmiyearvalidchars": ("wmi", set(SAMPLE)),
            "vehiclespecpattern": ("iskey", set()),
            "vinexception": ("vin", set()),
        }
        for table in source.tables():
            columns = source.columns(table)
            column, wanted = keep.get(table, (columns[0] if columns else "", None))
            at = columns.index(column) if wanted is not None else 0
            rows = (row for row in source.rows(table, columns) if wanted is None or row[at] in wanted)
            self._fill(table, columns, rows)

    def _fill(self, table: str, columns: list[str], rows: Iterator[tuple[str | None, ...]]) -> None:
        names = ", ".join(f'"{name}" text' for name in columns)
        db.execute(self.conn, f'CREATE TABLE {self.schema}."{table}" ({names})')
        while columns and (batch := list(islice(rows, 5000))):
            db.execute_many(self.conn, f'INSERT INTO {self.schema}."{table}" VALUES %s', batch)


@pytest.fixture
def loaded(conn: db.Connection) -> Loaded:
    found = Loaded(conn, "vpic_sample")
    found.load(DumpSource(find("vpic_subset.plain.sql.zip")))
    return found


def test_a_schema_compiles_to_what_the_dump_says(loaded: Loaded, conn: db.Connection) -> None:
    count = compile_release(conn, loaded.schema, now=NOW)
    read = database_reader(lambda: conn, loaded.schema)
    conn.commit()
    assert count == db.fetch_value(conn, f"SELECT count(*) FROM {loaded.schema}.vin_part")
    decoder = Decoder(read)
    decoded = decoder.decode(ACCORD, now=NOW)
    assert (decoded.error_codes, decoded.values["Model"], decoded.values["Trim"]) == ([0], "Accord", "EX-V6")
    assert decoder.decode("1Z9AAAAA3WA417111", now=NOW).values["Make"]


def test_a_decoder_takes_up_a_newer_release(loaded: Loaded, conn: db.Connection) -> None:
    first = list(compile_parts(SchemaSource(conn, loaded.schema), now=NOW))
    db.execute(conn, f"UPDATE {loaded.schema}.model SET name = 'Concord' WHERE name = 'Accord'")
    second = list(compile_parts(SchemaSource(conn, loaded.schema), now=NOW))
    write_parts(conn, loaded.schema, first)
    conn.commit()
    decoder = Decoder(database_reader(lambda: conn, loaded.schema))
    assert decoder.decode("1Z9AAAAA3WA417111", now=NOW).model_year
    write_parts(conn, loaded.schema, second)
    conn.commit()
    assert decoder.decode(ACCORD, now=NOW).values["Model"] == "Concord"


def test_a_reader_of_one_release_keeps_to_it_across_swaps(loaded: Loaded, conn: db.Connection) -> None:
    first = list(compile_parts(SchemaSource(conn, loaded.schema), now=NOW))
    db.execute(conn, f"UPDATE {loaded.schema}.model SET name = 'Concord' WHERE name = 'Accord'")
    second = list(compile_parts(SchemaSource(conn, loaded.schema), now=NOW))
    for schema, parts in (("vpic", first), ("vpic_next", second)):
        db.execute(conn, f"CREATE SCHEMA {schema}")
        write_parts(conn, schema, parts)
    conn.commit()

    def decoder_of_one_release() -> Decoder:
        return Decoder(release_reader(lambda parts, schema: read_parts(conn, parts, schema)))

    old = decoder_of_one_release()
    assert old.decode("1Z9AAAAA3WA417111", now=NOW).model_year
    db.execute(conn, "ALTER SCHEMA vpic RENAME TO vpic_previous")
    db.execute(conn, "ALTER SCHEMA vpic_next RENAME TO vpic")
    conn.commit()
    assert old.decode(ACCORD, now=NOW).values["Model"] == "Accord"
    assert decoder_of_one_release().decode(ACCORD, now=NOW).values["Model"] == "Concord"
    db.execute(conn, "DROP SCHEMA vpic_previous CASCADE")
    conn.commit()
    with pytest.raises(ReleaseGone, match="is gone"):
        old.decode("JH4DA9350LS000000", now=NOW)
    db.execute(conn, "DROP SCHEMA vpic CASCADE")
    conn.commit()
    with pytest.raises(DataError, match="cronhouse vehicles load"):  # there never was one
        decoder_of_one_release().decode(ACCORD)


def test_a_decoder_can_be_asked_to_look_for_a_newer_release(loaded: Loaded, conn: db.Connection) -> None:
    write_parts(conn, loaded.schema, compile_parts(SchemaSource(conn, loaded.schema), now=NOW))
    conn.commit()
    decoder = Decoder(database_reader(lambda: conn, loaded.schema))
    assert decoder.decode(ACCORD, now=NOW).values["Model"] == "Accord"
    assert decoder.refresh() is False
    db.execute(conn, f"UPDATE {loaded.schema}.model SET name = 'Concord' WHERE name = 'Accord'")
    compile_release(conn, loaded.schema, now=NOW)
    conn.commit()
    assert decoder.decode(ACCORD, now=NOW).values["Model"] == "Accord"
    assert decoder.refresh() is True
    assert decoder.decode(ACCORD, now=NOW).values["Model"] == "Concord"


def test_a_schema_without_parts_says_what_to_do(conn: db.Connection) -> None:
    db.execute(conn, "CREATE SCHEMA vpic_empty")
    write_parts(conn, "vpic_empty", [])
    with pytest.raises(DataError, match="cronhouse vehicles load"):
        Decoder(database_reader(lambda: conn, "vpic_empty")).decode(ACCORD)


def test_parts_of_other_code_are_no_decoder(loaded: Loaded, conn: db.Connection) -> None:
    conn.commit()
    assert not has_decoder(conn, loaded.schema)
    compile_release(conn, loaded.schema, now=NOW)
    conn.commit()
    assert has_decoder(conn, loaded.schema)
    db.execute(conn, f"UPDATE {loaded.schema}.vin_part SET data = overlay(data placing '\\x00' from 4 for 1)")
    conn.commit()
    assert not has_decoder(conn, loaded.schema)
    with pytest.raises(DataError, match="another version"):
        Decoder(database_reader(lambda: conn, loaded.schema)).decode(ACCORD, now=NOW)


def test_an_empty_release_is_refused(conn: db.Connection) -> None:
    db.execute(conn, "CREATE SCHEMA vpic_empty")
    with pytest.raises(DataError, match="nothing to compile"):
        compile_release(conn, "vpic_empty")
