"""Column profiles: right for every type, in one scan."""

from decimal import Decimal

import pytest

from shared import db
from shared.errors import ConfigError
from shared.profile import profile_table


@pytest.fixture
def odd_table(conn: db.Connection) -> str:
    with db.transaction(conn):
        db.execute(
            conn,
            """CREATE SCHEMA odd;
            CREATE TABLE odd."Odd %% Name" (
                id bigint, price numeric(10, 2), name text, day date, at timestamptz, ok boolean,
                doc json, docb jsonb,
                tags text[], half double precision, "strange "" column %%" text, empty text);
            INSERT INTO odd."Odd %% Name"
            SELECT n, n / 4.0, CASE WHEN n %% 3 = 0 THEN 'three' WHEN n %% 3 = 1 THEN 'one' END,
                   date '2026-01-01' + n,
                   '2026-01-01 12:00Z', n > 5, '{"a": 1}', '{"b": 2}', ARRAY['x'], 0.5,
                   repeat('long', 100), NULL
            FROM generate_series(1, 9) AS n""",
            {},
        )
    return 'odd."Odd % Name"'


def test_profile_of_every_kind_of_column(conn: db.Connection, odd_table: str) -> None:
    with db.transaction(conn):
        found = {p.column_name: p for p in profile_table(conn, odd_table, run_id=7)}
    assert list(found) == [
        "id", "price", "name", "day", "at", "ok", "doc", "docb", "tags", "half",
        'strange " column %', "empty",
    ]  # fmt: skip
    assert {p.row_count for p in found.values()} == {9}
    name = found["name"]
    assert (name.null_count, name.distinct_count, name.min_value, name.max_value) == (3, 2, "one", "three")
    assert name.top_values == [{"value": "one", "rows": 3}, {"value": "three", "rows": 3}]
    assert name.mean_value is None
    assert (found["id"].min_value, found["id"].max_value, found["id"].mean_value) == ("1", "9", 5)
    assert found["price"].mean_value == Decimal("1.25")
    assert (found["day"].min_value, found["day"].max_value) == ("2026-01-02", "2026-01-10")
    assert found["ok"].top_values == [{"value": "false", "rows": 5}, {"value": "true", "rows": 4}]
    assert found["doc"].distinct_count == 1
    assert found["half"].mean_value == Decimal("0.5")
    assert len(found['strange " column %'].min_value or "") == 200
    assert (found["empty"].null_count, found["empty"].distinct_count, found["empty"].top_values) == (9, 0, [])


def test_profile_is_kept(conn: db.Connection, odd_table: str) -> None:
    with db.transaction(conn):
        profile_table(conn, odd_table, run_id=7)
    (row,) = db.fetch_all(conn, "SELECT * FROM ops.column_profile WHERE column_name = 'price'")
    assert (row["table_name"], row["run_id"], row["row_count"]) == ("odd.Odd % Name", 7, 9)
    assert row["top_values"][0]["rows"] == 1


def test_profile_of_an_empty_partitioned_table(conn: db.Connection) -> None:
    with db.transaction(conn):
        found = profile_table(conn, "retail.fact_sales")
    assert {p.row_count for p in found} == {0}
    assert {p.min_value for p in found} == {None}
    assert len(found) == 14


def test_profile_takes_one_scan(conn: db.Connection, odd_table: str) -> None:
    def scans() -> int:
        with db.transaction(conn):
            db.fetch_value(conn, "SELECT pg_stat_force_next_flush()")
        return int(
            db.fetch_value(conn, "SELECT sum(seq_scan) FROM pg_stat_user_tables WHERE schemaname = 'odd'")
        )

    before = scans()
    with db.transaction(conn):
        profile_table(conn, odd_table)
    assert scans() - before == 1


@pytest.mark.parametrize(
    "table", ["retail.nothing", "nowhere.fact", "retail.fact_sales_business_key", "fact sales; --"]
)
def test_profile_of_no_table_says_so(conn: db.Connection, table: str) -> None:
    with pytest.raises(ConfigError, match="there is no table or view"):
        profile_table(conn, table)
