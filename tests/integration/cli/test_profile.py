"""cronhouse profile."""

from tests.integration.cli.conftest import Desk


def test_shows_each_column_and_keeps_what_it_found(desk: Desk) -> None:
    answer = desk.call("profile", "retail.category_rule")
    assert answer.code == 0, answer.err
    head, titles, first, *_ = answer.out.splitlines()
    assert head == "retail.category_rule: 10 rows"
    assert titles.split()[:3] == ["column", "nulls", "distinct"]
    assert first.split()[:5] == ["priority", "0", "10", "10", "100"]
    assert max(map(len, answer.out.splitlines())) < 220
    kept = desk.rows("SELECT * FROM ops.column_profile WHERE table_name = 'retail.category_rule'")
    assert {row["column_name"]: row["distinct_count"] for row in kept}["category"] == 10


def test_a_name_without_schema_and_one_with_capitals(desk: Desk) -> None:
    desk.execute('CREATE TABLE retail."Odd Name" (n integer); INSERT INTO retail."Odd Name" VALUES (1)')
    assert desk.call("profile", "Odd Name", "--json").json[0]["column_name"] == "n"
    assert "there is no table or view 'nothing'" in desk.call("profile", "nothing").err
