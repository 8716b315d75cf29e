"""docker/mssql/mssql.sh with a stand-in for SQL Server: its two commands, first on the PATH."""

import os
import signal
import subprocess
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "docker" / "mssql" / "mssql.sh"
SA, READER = "S4-Pass'word$(id)", "Reader-4"
RELEASE = "vPICList_lite_2026_08.bak"

# The server: writes down the password that it was started with, answers once it is up, ends on SIGTERM.
SQLSERVR = """\
printf '%s' "$MSSQL_SA_PASSWORD" >"$STATE/sa-at-start"
[ "$ACCEPT_EULA" = Y ] || exit 1
[ ! -e "$STATE/broken" ] || { echo "sqlservr: This program requires a machine with at least 2000 megabytes"; exit 1; }
trap 'echo server heard TERM; rm -f "$STATE/up"; exit 0' TERM
touch "$STATE/up"
while :; do sleep 0.05; done
"""

# sqlcmd: knows who may log in, what the backup is called inside, and keeps every statement.
SQLCMD = r"""
login= ; database=master
echo "$*" >>"$STATE/arguments"
while [ $# -gt 0 ]; do
    case $1 in
        -U) login=$2; shift ;;
        -d) database=$2; shift ;;
        -S | -l | -h | -w | -s) shift ;;
        -C | -b | -x | -W) ;;
        *) echo "Sqlcmd: '$1': Unknown Option."; exit 1 ;;
    esac
    shift
done
statements=$(cat)
[ -e "$STATE/up" ] || { echo "Sqlcmd: Error: Microsoft ODBC Driver 18 : TCP Provider: Error code 0x2749."; exit 1; }
wanted=$(cat "$STATE/password-of-$login" 2>/dev/null || echo none)
[ "$SQLCMDPASSWORD" = "$wanted" ] || { echo "Sqlcmd: Error: Login failed for user '$login'."; exit 1; }
[ "$database" = master ] || [ -e "$STATE/database" ] || { echo "Cannot open database \"$database\""; exit 1; }
printf '%s\n' "$statements" >>"$STATE/statements"
case $statements in
    *FILELISTONLY*)
        [ ! -e "$STATE/unreadable" ] || { echo "Msg 3241, Level 16: The media family is not formed well."; exit 1; }
        printf 'vPIC'"'"'s Data\tC:\\Data\\vPIC.mdf\tD\tPRIMARY\t1\nvPICList_log\tC:\\Data\\vPIC.ldf\tL\tNULL\t2\n' ;;
    *"RESTORE DATABASE"*)
        [ ! -e "$STATE/slow" ] || { touch "$STATE/restoring"; while [ -e "$STATE/up" ]; do sleep 0.05; done; exit 1; }
        [ ! -e "$STATE/full" ] || { echo "Msg 3257, Level 16: There is insufficient free space"; exit 1; }
        path=$(printf '%s' "$statements" | sed -n "s/.*FROM DISK = N'\([^']*\)'.*/\1/p")
        cp "$path" "$STATE/database" ;;
    *"CREATE LOGIN"*)
        printf '%s\n' "$statements" | sed -n "s/.*CREATE LOGIN \[\(.*\)\] WITH PASSWORD = N'\(.*\)'/\1 \2/p" |
            while read -r name word; do printf '%s' "$word" >"$STATE/password-of-$name"; done ;;
esac
"""


class Server:
    """A folder for each thing that the container has, and the script run with them."""

    def __init__(self, folder: Path) -> None:
        self.state, self.backups, self.data = (folder / name for name in ("state", "backups", "data"))
        self.bin = folder / "bin"
        for path in (self.state, self.backups, self.data, self.bin):
            path.mkdir()
        for name, body in (("sqlservr", SQLSERVR), ("sqlcmd", SQLCMD)):
            (self.bin / name).write_text(f"#!/bin/sh\n{body}")
            (self.bin / name).chmod(0o755)
        (folder / "sa").write_text(f"{SA}\n")
        (folder / "reader").write_text(f"{READER}\n")
        (self.state / "password-of-sa").write_text(SA)
        self.environment = {
            "PATH": f"{self.bin}:{os.environ['PATH']}", "STATE": str(self.state), "MSSQL_ACCEPT_EULA": "Y",
            "SA_PASSWORD_FILE": str(folder / "sa"), "READER_PASSWORD_FILE": str(folder / "reader"),
            "BACKUP_DIR": str(self.backups), "SERVER_DIR": str(self.data), "WAIT_SECONDS": "0.05",
            "START_SECONDS": "4",
        }  # fmt: skip
        self.process: subprocess.Popen[str] | None = None

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        known = {**self.environment, **environment}
        return subprocess.run(
            ["bash", str(SCRIPT), *arguments], capture_output=True, text=True, env=known, timeout=30
        )

    def start(self) -> str:
        """Start and wait until the script says that the database is there; return what it said."""
        self.process = subprocess.Popen(
            ["bash", str(SCRIPT)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            env=self.environment,
        )  # fmt: skip
        said = ""
        assert self.process.stdout
        while "is there, from" not in said:
            line = self.process.stdout.readline()
            assert line, f"ended:\n{said}"
            said += line
        return said

    def stop(self) -> str:
        assert self.process
        self.process.send_signal(signal.SIGTERM)
        said, _ = self.process.communicate(timeout=20)
        return said

    def statements(self) -> str:
        path = self.state / "statements"
        return path.read_text() if path.exists() else ""

    def put(self, name: str, content: bytes = b"a backup", inside: str | None = None) -> Path:
        """Put a backup into the folder, zipped when `inside` names the file in it."""
        path = self.backups / name
        if inside is None:
            path.write_bytes(content)
        else:
            with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
                archive.writestr(inside, content)
        return path


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    server = Server(tmp_path)
    yield server
    if server.process and server.process.poll() is None:
        server.stop()


def test_a_zipped_backup_is_unpacked_and_restored(server: Server) -> None:
    content = os.urandom(1 << 20)
    server.put(f"{RELEASE}.zip", content, inside=f"folder\\{RELEASE}")
    server.start()
    assert (server.state / "database").read_bytes() == content
    assert f"FROM DISK = N'{server.data}/backup/{RELEASE}'" in server.statements()
    assert list((server.data / "backup").iterdir()) == []  # a gigabyte that nobody needs any more
    assert server.run("health").returncode == 0


def test_a_zip_file_written_as_a_stream_is_unpacked(server: Server, tmp_path: Path) -> None:
    """Its sizes stand behind the data, not before it."""
    with (
        open(server.backups / f"{RELEASE}.zip", "wb") as raw,
        zipfile.ZipFile(_Stream(raw), "w", 8) as archive,
    ):
        archive.writestr(RELEASE, b"streamed " * 10_000)
    server.start()
    assert (server.state / "database").read_bytes() == b"streamed " * 10_000


class _Stream:
    """A file that cannot be wound back."""

    def __init__(self, raw) -> None:
        self.write, self.flush = raw.write, raw.flush


def test_the_files_are_moved_under_the_names_that_the_backup_has(server: Server) -> None:
    server.put(RELEASE)
    server.start()
    statement = next(line for line in server.statements().splitlines() if "RESTORE DATABASE" in line)
    assert "RESTORE DATABASE [vPICList_Lite1] FROM DISK" in statement and "REPLACE" in statement
    assert f"MOVE N'vPIC''s Data' TO N'{server.data}/data/vpic_1.mdf'" in statement
    assert f"MOVE N'vPICList_log' TO N'{server.data}/data/vpic_2.ldf'" in statement


def test_the_newest_backup_is_taken_and_the_same_is_not_restored_again(server: Server) -> None:
    server.put("VPICList_lite_2025_12.bak", b"old")
    server.put("vPICList_lite_2026_08.bak", b"new")
    server.put("readme.txt", b"no backup")
    server.start()
    assert (server.state / "database").read_bytes() == b"new"
    server.stop()
    said = server.start()
    assert "restoring" not in said and server.statements().count("RESTORE DATABASE") == 1
    server.stop()
    server.put("vPICList_lite_2026_09.bak", b"newer")
    assert "restoring vPICList_lite_2026_09.bak" in server.start()
    assert (server.state / "database").read_bytes() == b"newer"


def test_a_restored_database_needs_the_backup_no_more(server: Server) -> None:
    backup = server.put(RELEASE)
    server.start()
    server.stop()
    backup.unlink()
    assert "is there, from vPICList_lite_2026_08.bak" in server.start()


def test_the_reader_may_read_and_learn_the_release(server: Server) -> None:
    server.put(RELEASE)
    server.start()
    said = server.statements()
    assert "ALTER ROLE db_datareader ADD MEMBER [cronhouse_vehicles]" in said
    assert "GRANT SELECT ON dbo.backupmediafamily TO [cronhouse_vehicles]" in said
    server.stop()
    Path(server.environment["READER_PASSWORD_FILE"]).write_text("Another-5\n")
    server.start()  # a new password is set at the next start
    assert (server.state / "password-of-cronhouse_vehicles").read_text() == "Another-5"
    assert server.run("health").returncode == 0


def test_no_password_is_on_a_command_line_or_in_the_log(server: Server) -> None:
    server.put(RELEASE)
    said = server.start()
    server.run("health")
    said += (server.state / "arguments").read_text() + server.stop()
    assert SA not in said and READER not in said
    assert (server.state / "sa-at-start").read_text() == SA  # as it stands, quotes and dollars too


def test_health_is_bad_until_the_database_answers(server: Server) -> None:
    assert server.run("health").returncode == 1
    server.put(RELEASE)
    server.start()
    assert server.run("health").returncode == 0
    (server.state / "database").unlink()
    assert server.run("health").returncode == 1
    server.stop()
    result = server.run("health")  # the server is gone, the mark is there
    assert result.returncode == 1


def test_sigterm_stops_the_server_first(server: Server) -> None:
    server.put(RELEASE)
    server.start()
    assert "server heard TERM" in server.stop()
    assert server.process and server.process.returncode == 143
    assert not (server.state / "up").exists()


def test_sigterm_in_the_middle_of_a_restore_leaves_no_mark(server: Server) -> None:
    server.put(RELEASE)
    (server.state / "slow").touch()
    process = subprocess.Popen(
        ["bash", str(SCRIPT)], stdout=subprocess.PIPE, text=True, env=server.environment
    )
    while not (server.state / "restoring").exists():
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=10) == 143
    assert process.stdout and server.run("health").returncode == 1
    (server.state / "slow").unlink()
    assert "restoring" in server.start()


@pytest.mark.parametrize(
    ("trouble", "says"),
    [
        ("unreadable", "cannot be read, is it whole? SQL Server says: Msg 3241"),
        ("full", "was not restored; SQL Server's lines above tell why"),
        ("broken", "SQL Server ended before it answered"),
    ],
)
def test_what_went_wrong_is_said_and_the_container_ends(server: Server, trouble: str, says: str) -> None:
    server.put(RELEASE)
    (server.state / trouble).touch()
    result = server.run()
    assert result.returncode == 1 and says in result.stderr
    assert not (server.state / "up").exists()
    assert server.run("health").returncode == 1


def test_a_password_of_sa_that_the_volume_does_not_know(server: Server) -> None:
    server.put(RELEASE)
    (server.state / "password-of-sa").write_text("another")
    result = server.run(START_SECONDS="2")
    assert result.returncode == 1 and "Remove the volume" in result.stderr


def test_a_server_that_never_answers(server: Server) -> None:
    server.put(RELEASE)
    (server.bin / "sqlservr").write_text("#!/bin/sh\ntrap 'exit 0' TERM\nwhile :; do sleep 0.05; done\n")
    result = server.run(START_SECONDS="1")
    assert result.returncode == 1 and "does not answer after 1 s: Sqlcmd: Error" in result.stderr


@pytest.mark.parametrize(
    ("prepare", "says"),
    [
        (lambda s: None, "there is no .bak or .bak.zip in the folder that MSSQL_BACKUP_DIR names"),
        (lambda s: s.put(f"{RELEASE}.zip", b"<html>not found</html>"), "is no zip file"),
        (lambda s: s.put(f"{RELEASE}.zip", b"x", inside="vPIC.plain.sql"), "is 'vPIC.plain.sql', not a .bak file"),
        (lambda s: cut_off(s.put(f"{RELEASE}.zip", os.urandom(100_000), inside=RELEASE)), "cannot be unpacked"),
        (lambda s: Path(s.environment["SA_PASSWORD_FILE"]).write_text(""), "scripts/generate_env.py makes it"),
        (lambda s: s.backups.rmdir(), "there is no .bak"),
    ],
)  # fmt: skip
def test_what_is_missing_or_no_backup_is_named(
    server: Server, prepare: Callable[[Server], None], says: str
) -> None:
    prepare(server)
    result = server.run()
    assert result.returncode == 1 and says in result.stderr, result.stderr
    assert not (server.state / "up").exists()


def cut_off(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:50_000])


def test_the_licence_is_accepted_by_whoever_starts_it(server: Server) -> None:
    server.put(RELEASE)
    result = server.run(MSSQL_ACCEPT_EULA="")
    assert result.returncode == 1 and "MSSQL_ACCEPT_EULA=Y" in result.stderr
    assert not (server.state / "sa-at-start").exists()


def test_help_and_unknown_command(server: Server) -> None:
    assert "BACKUP_DIR" in server.run("--help").stdout
    result = server.run("restore")
    assert result.returncode == 2 and "unknown command: restore" in result.stderr
