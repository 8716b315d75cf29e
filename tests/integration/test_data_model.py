"""docs/data-model.md is what a freshly migrated database is."""

from scripts import generate_data_model


def test_the_page_about_the_data_model_is_current(conn):
    page = generate_data_model.PAGE.read_text(encoding="utf-8")
    assert page == generate_data_model.render(conn), "docs/data-model.md is old: make docs"


def test_every_table_and_schema_says_what_one_row_is(conn):
    page = generate_data_model.render(conn)
    assert "| [`" in page
    for line in page.splitlines():
        assert not (line.startswith("| [`") and line.endswith("|  |")), line
