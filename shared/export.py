"""A table or view as CSV, JSON lines or Parquet: streamed, so that memory does not grow with the table."""

import re
from collections.abc import Sequence
from typing import Any, BinaryIO

from psycopg2 import sql

from shared import db
from shared.errors import FatalError
from shared.relations import Relation

BATCH_ROWS = 10_000
# A sum has no scale of its own: ten places hold every amount, and an average to a billionth.
OPEN_NUMERIC = (38, 10)


def choose_columns(relation: Relation, wanted: Sequence[str]) -> list[str]:
    """Return the wanted columns, all of them when none are named.

    Raises:
        FatalError: the relation has no such column.
    """
    unknown = [name for name in wanted if name not in relation.columns]
    if unknown:
        known = ", ".join(relation.columns)
        raise FatalError(f"{relation} has no column {', '.join(unknown)}; it has: {known}")
    return list(wanted or relation.columns)


def write_csv(conn: db.Connection, relation: Relation, columns: Sequence[str], out: BinaryIO) -> int:
    """Write CSV with a header, UTF-8, times in ISO 8601; return the number of rows."""
    copy = sql.SQL("COPY ({}) TO STDOUT WITH (FORMAT csv, HEADER)").format(_select(relation, columns))
    return _copy(conn, copy, out)


def write_json(conn: db.Connection, relation: Relation, columns: Sequence[str], out: BinaryIO) -> int:
    """Write one JSON object a line; return the number of rows."""
    # JSON text holds neither \x01 nor \x02, so nothing is quoted: the lines come out as they are
    copy = sql.SQL(
        "COPY (SELECT translate(row_to_json(r)::text, E'\\r\\n', '  ') FROM ({}) AS r) "
        "TO STDOUT WITH (FORMAT csv, QUOTE E'\\x01', DELIMITER E'\\x02')"
    ).format(_select(relation, columns))
    return _copy(conn, copy, out)


def write_parquet(conn: db.Connection, relation: Relation, columns: Sequence[str], out: BinaryIO) -> int:
    """Write Parquet (zstd) in batches; return the number of rows.

    Numbers without a scale become decimal(38, 10), what Parquet does not know becomes text.

    Raises:
        FatalError: a value does not fit its column's Parquet type.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    types = {name: _arrow_type(pa, relation.columns[name]) for name in columns}
    schema = pa.schema([pa.field(name, kind or pa.string()) for name, kind in types.items()])
    query = _select(relation, columns, {name: _cast(relation.columns[name], types[name]) for name in columns})
    rows = 0
    writer = pq.ParquetWriter(out, schema, compression="zstd")
    with db.mapped_errors(), conn.cursor(name="export") as cursor, writer as file:
        cursor.itersize = BATCH_ROWS
        cursor.execute(query)
        while batch := cursor.fetchmany(BATCH_ROWS):
            try:
                arrays = [pa.array(v, f.type) for v, f in zip(zip(*batch, strict=True), schema, strict=True)]
                file.write_batch(pa.record_batch(arrays, schema=schema))
            except pa.ArrowException as exc:
                raise FatalError(f"{relation} does not fit into Parquet: {exc}; export it as csv") from exc
            rows += len(batch)
    return rows


def _copy(conn: db.Connection, copy: sql.Composed, out: BinaryIO) -> int:
    with db.mapped_errors(), conn.cursor() as cursor:
        cursor.copy_expert(copy, out)
        return int(cursor.rowcount)


def _select(relation: Relation, columns: Sequence[str], casts: dict[str, str] | None = None) -> sql.Composed:
    items = [
        sql.SQL("{0}{1} AS {0}").format(sql.Identifier(name), sql.SQL((casts or {}).get(name, "")))
        for name in columns
    ]
    source = sql.Identifier(relation.schema, relation.name)
    return sql.SQL("SELECT {} FROM {}").format(sql.SQL(", ").join(items), source)


def _cast(type_name: str, arrow_type: Any) -> str:
    if arrow_type is None:
        return "::text"
    return "::numeric({}, {})".format(*OPEN_NUMERIC) if type_name == "numeric" else ""


def _arrow_type(pa: Any, type_name: str) -> Any:
    """Return the Arrow type for a PostgreSQL type, None where only text will do."""
    number = re.fullmatch(r"numeric\((\d+),(-?\d+)\)", type_name)
    if number and int(number[1]) <= 38 and int(number[2]) >= 0:
        return pa.decimal128(int(number[1]), int(number[2]))
    return {
        "boolean": pa.bool_(), "smallint": pa.int16(), "integer": pa.int32(), "bigint": pa.int64(),
        "real": pa.float32(), "double precision": pa.float64(), "numeric": pa.decimal128(*OPEN_NUMERIC),
        "date": pa.date32(), "timestamp without time zone": pa.timestamp("us"),
        "timestamp with time zone": pa.timestamp("us", tz="UTC"), "bytea": pa.binary(),
    }.get(type_name)  # fmt: skip
