"""The one way to write, on a real database."""

from contextlib import closing

import psycopg2
import pytest

from shared import db
from shared.config import load_settings
from shared.errors import ConfigError, FatalError, TransientError


@pytest.fixture
def table(conn):
    with db.transaction(conn):
        db.execute(conn, "CREATE TABLE staging.probe (n int PRIMARY KEY)")
    return "staging.probe"


def count(conn):
    return db.fetch_value(conn, "SELECT count(*) FROM staging.probe")


def test_an_exception_takes_everything_back_and_survives(conn, table):
    with pytest.raises(KeyError), db.transaction(conn):
        db.execute(conn, "INSERT INTO staging.probe VALUES (1)")
        raise KeyError("first")
    assert count(conn) == 0


def test_a_block_inside_a_block_is_refused(conn, table):
    with (
        pytest.raises(ValueError, match="no block inside a block"),
        db.transaction(conn),
        db.transaction(conn),
    ):
        pass


def test_a_read_before_the_block_does_no_harm(conn, table):
    assert count(conn) == 0
    with db.transaction(conn):
        db.execute(conn, "INSERT INTO staging.probe VALUES (1)")
    conn.rollback()
    assert count(conn) == 1


def test_a_failed_read_before_the_block_does_no_harm(conn, table):
    with pytest.raises(FatalError):
        db.fetch_all(conn, "SELECT no_such_column FROM staging.probe")
    with db.transaction(conn):
        db.execute(conn, "INSERT INTO staging.probe VALUES (1)")
    assert count(conn) == 1


def test_a_duplicate_key_is_fatal_and_says_so(conn, table):
    with pytest.raises(FatalError, match="duplicate key"), db.transaction(conn):
        db.execute(conn, "INSERT INTO staging.probe VALUES (1), (1)")


def test_a_missing_table_tells_what_to_do(conn):
    with pytest.raises(FatalError, match="cronhouse migrate"):
        db.fetch_all(conn, "SELECT * FROM retail.no_such_table")


def test_a_cut_connection_is_transient(conn, pg, table):
    other = db.connect(pg, autocommit=True)
    db.fetch_value(other, "SELECT pg_terminate_backend(%s)", (conn.info.backend_pid,))
    other.close()
    with pytest.raises(TransientError), db.transaction(conn):
        db.execute(conn, "INSERT INTO staging.probe VALUES (1)")


def test_a_server_that_is_not_there_is_transient_and_a_wrong_database_is_configuration(pg, pg_server):
    with pytest.raises(TransientError, match="cannot connect"):
        db.connect(load_settings({"DATABASE_URL": "postgresql://postgres@127.0.0.1:9/none"}))
    with pytest.raises(ConfigError, match="does not exist"):
        db.connect(load_settings({"DATABASE_URL": pg_server.url("no_such_database")}))


def test_a_server_that_is_not_there_is_told_of_in_one_line_of_two_sentences(pg):
    url = "postgresql://nobody@127.0.0.1:1/nothing"
    with pytest.raises(TransientError, match="Connection refused; Is the server running"):
        db.connect(pg, url=url)


def test_a_sentence_that_the_driver_breaks_stays_one():
    lost = psycopg2.OperationalError(
        "server closed the connection\n\tIt terminated\n\tbefore or while processing.\n"
    )
    assert str(db.map_error(lost)) == (
        "PostgreSQL: server closed the connection; It terminated before or while processing."
    )


def test_the_embedded_server_that_is_down_says_how_to_start_it(tmp_path):
    with pytest.raises(ConfigError, match="cronhouse local up"):
        db.connect(load_settings({"CRONHOUSE_LOCAL_DIR": str(tmp_path)}))


@pytest.mark.parametrize(
    ("code", "kind", "says"),
    [
        ("53100", FatalError, "disk is full"),
        ("40001", TransientError, "planted"),
        ("40P01", TransientError, "planted"),
        ("57P01", TransientError, "planted"),
        ("08006", TransientError, "planted"),
        ("57014", FatalError, "cancelled"),
        ("42501", FatalError, "may not do this"),
    ],
)
def test_a_sqlstate_has_its_meaning(conn, code, kind, says):
    with pytest.raises(kind, match=says):
        db.execute(conn, f"DO $$ BEGIN RAISE EXCEPTION 'planted' USING ERRCODE = '{code}'; END $$")


def test_the_time_zone_is_utc(conn):
    assert db.fetch_value(conn, "SHOW timezone") == "UTC"
    assert isinstance(conn, psycopg2.extensions.connection)


def test_what_a_job_committed_outlives_a_crash_of_the_embedded_server(pg):
    with closing(db.connect(load_settings({}), url=pg.database_url)) as job:
        assert db.fetch_value(job, "SHOW synchronous_commit") == "on"
