"""The archive in S3: a real server (moto), and one that misbehaves as S3 does."""

import json
import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import boto3
import pytest
import urllib3

from services.ingestion.parks import imports
from services.ingestion.parks.archive_doctor import check_sources
from services.ingestion.parks.importer import Importer
from services.ingestion.sources import parks_objects
from services.ingestion.sources.parks_archive import S3Archive, open_archive, read_key
from services.ingestion.sources.parks_objects import Fetcher
from shared import db
from shared.config import Settings, load_settings
from shared.errors import ConfigError, FatalError, TransientError
from tests.integration.parks.conftest import FAULTY, KEYS, RESORT, SAMPLE

KEY = f"{RESORT}/2019/08/01.json.gz"


def settings_of(url: str, bucket: str, base: Settings | None = None, **more: str) -> Settings:
    env = {"ARCHIVE_S3_BUCKET": bucket, "ARCHIVE_S3_ENDPOINT_URL": url, "ARCHIVE_S3_REGION": "us-east-1"}
    env |= {"ARCHIVE_S3_SIGNED": "1", **KEYS, **more}
    return replace(base, environ={**base.environ, **env}) if base else load_settings(env)


@pytest.mark.parametrize(
    "key",
    ["README.txt", f"{RESORT}/2019/09/README.txt", f"{RESORT}/2019/09/31.json.gz", f"{RESORT}/2019/09/1.json.gz",
     f"{RESORT}/2019/09/01.json", f"{RESORT}/2019/09/01.json.gz.tmp", f"{RESORT.upper()}/2019/09/01.json.gz",
     f"x/{RESORT}/2019/09/01.json.gz", f"{RESORT}/2019/13/01.json.gz", f"{RESORT}/0000/01/01.json.gz",
     f"{RESORT}/2019/02/29.json.gz", f"{RESORT}/2019/02/٠١.json.gz", ""],
)  # fmt: skip
def test_odd_keys_are_none_of_the_archives(key: str) -> None:
    assert read_key(key) is None


def test_bucket_is_imported_signed(pg: Settings, conn: db.Connection, s3_url: str, bucket: Any) -> None:
    for path in sorted((SAMPLE / RESORT / "2019" / "07").glob("*.gz"))[:12]:
        bucket(f"{RESORT}/2019/07/{path.name}", path.read_bytes())
    bucket(f"{RESORT}/2019/09/README.txt", b"hello")
    bucket("index.html", b"hello")
    settings = settings_of(s3_url, bucket.name, pg)
    archive = open_archive(settings)
    assert archive.folders() == [RESORT] and archive.label == f"s3://{bucket.name}"
    with db.transaction(conn):
        number = imports.begin(conn, archive.label, RESORT, None, None, by="a test")["import_id"]
    report = Importer(settings, archive, "a test", workers=2).run(number)
    assert (report.status, report.files, report.failed) == ("COMPLETED", 12, [])
    assert report.imported + report.duplicates == report.events > 5000
    with db.transaction(conn):
        assert db.fetch_value(conn, "SELECT count(*) FROM parks.ride_status_snapshots") == report.imported
        etags = "SELECT bool_and(etag = imported_etag) FROM parks.archive_object"
        assert db.fetch_value(conn, etags) is True


def test_public_bucket_is_read_without_keys(s3_url: str, bucket: Any) -> None:
    bucket(KEY, b"{}")
    policy = f"""{{"Version": "2012-10-17", "Statement": [{{"Effect": "Allow", "Principal": "*",
      "Action": ["s3:GetObject", "s3:ListBucket"],
      "Resource": ["arn:aws:s3:::{bucket.name}", "arn:aws:s3:::{bucket.name}/*"]}}]}}"""
    bucket.client.put_bucket_policy(Bucket=bucket.name, Policy=policy)
    bucket.client.put_object_acl(Bucket=bucket.name, Key=KEY, ACL="public-read")
    archive = S3Archive(settings_of(s3_url, bucket.name, ARCHIVE_S3_SIGNED="0"))
    assert archive.read(KEY)[0] == b"{}"
    assert "Signature" not in archive.store.client.generate_presigned_url(
        "get_object", {"Bucket": "b", "Key": "k"}
    )


def test_archive_with_keys_of_its_own(s3_url: str, bucket: Any, tmp_path: Path) -> None:
    """The server knows the archive's keys alone: those of our own bucket are refused."""
    bucket(KEY, b"body")
    iam = boto3.client(
        "iam", endpoint_url=s3_url, region_name="us-east-1", aws_access_key_id="t", aws_secret_access_key="t"
    )
    iam.create_user(UserName="archive")
    rule = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
    iam.put_user_policy(
        UserName="archive", PolicyName="all",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [rule]}),
    )  # fmt: skip
    pair = iam.create_access_key(UserName="archive")["AccessKey"]
    (tmp_path / "secret").write_text(pair["SecretAccessKey"] + "\n")
    own = {
        "ARCHIVE_S3_ACCESS_KEY_ID": pair["AccessKeyId"],
        "ARCHIVE_S3_SECRET_ACCESS_KEY_FILE": str(tmp_path / "secret"),
    }
    asked = urllib3.PoolManager()
    asked.request("POST", f"{s3_url}/moto-api/reset-auth", body="0")
    try:
        archive = S3Archive(settings_of(s3_url, bucket.name, **own))
        assert [info.key for info in archive.list(RESORT)] == [KEY]
        with pytest.raises(ConfigError, match="check the AWS_ keys"):
            list(S3Archive(settings_of(s3_url, bucket.name)).list(RESORT))
        with pytest.raises(ConfigError, match="check the ARCHIVE_S3_ keys"):
            wrong = {**own, "ARCHIVE_S3_ACCESS_KEY_ID": "nobody"}
            list(S3Archive(settings_of(s3_url, bucket.name, **wrong)).list(RESORT))
    finally:
        asked.request("POST", f"{s3_url}/moto-api/reset-auth", body="inf")
    assert pair["AccessKeyId"] in archive.address(KEY) and archive.read(KEY)[0] == b"body"


@pytest.mark.parametrize("half", ["ACCESS_KEY_ID", "SECRET_ACCESS_KEY"])
def test_half_a_pair_of_keys_is_refused(half: str) -> None:
    with pytest.raises(ConfigError, match="is not set: set both keys of the archive"):
        S3Archive(settings_of("http://127.0.0.1:1", "b", **{f"ARCHIVE_S3_{half}": "x"}))


def test_listing_of_more_than_a_thousand_keys(
    pg: Settings, conn: db.Connection, s3_url: str, bucket: Any
) -> None:
    body = (FAULTY / RESORT / "2019" / "08" / "08.json.gz").read_bytes()  # no events
    keys = [f"{RESORT}/{year}/{month:02}/{day:02}.json.gz"
            for year in (2016, 2017, 2018, 2019) for month in range(1, 13) for day in range(1, 23)][:1030]  # fmt: skip
    for key in keys:
        bucket(key, body)
    settings = settings_of(s3_url, bucket.name, pg)
    archive = open_archive(settings)
    assert [info.key for info in archive.list(f"{RESORT}/")] == sorted(keys)
    with db.transaction(conn):
        found = imports.begin(conn, archive.label, RESORT, None, None, by="a test")
    Importer(settings, archive, "a test")._list(conn, found)
    with db.transaction(conn):
        in_order = "SELECT array_agg(object_key ORDER BY object_id) FROM parks.archive_object"
        assert db.fetch_value(conn, in_order) == sorted(keys)


def test_missing_bucket_names_the_setting(s3_url: str) -> None:
    archive = S3Archive(settings_of(s3_url, "nowhere-at-all"))
    with pytest.raises(ConfigError, match="ARCHIVE_S3_BUCKET: bucket 'nowhere-at-all' does not exist"):
        list(archive.list(RESORT))
    with pytest.raises(ConfigError, match="ARCHIVE_S3_BUCKET"):
        archive.folders()


def test_missing_object_is_fatal(s3_url: str, bucket: Any) -> None:
    with pytest.raises(FatalError, match=r"is not in the bucket any more \(NoSuchKey\)"):
        S3Archive(settings_of(s3_url, bucket.name)).read(KEY)


def test_sample_is_read_where_no_bucket_is_named() -> None:
    assert open_archive(load_settings({})).folders() == [RESORT]


def test_bad_settings_say_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="ARCHIVE_S3_SIGNED: 'maybe' is neither 1 nor 0"):
        S3Archive(settings_of("http://127.0.0.1:1", "b", ARCHIVE_S3_SIGNED="maybe"))
    with pytest.raises(ConfigError, match="there is no folder"):
        open_archive(load_settings({}), str(tmp_path / "missing"))


# A server that answers what the test tells it ------------------------------------------------------------------

Answer = tuple[int, dict[str, str], bytes]


class Server:
    """Answers GETs in turn from `answers`, the last one for ever; keeps what was asked."""

    def __init__(self) -> None:
        self.answers: list[Answer | Callable[[BaseHTTPRequestHandler], Answer]] = []
        self.asked: list[tuple[str, dict[str, str]]] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                server.asked.append((self.path, dict(self.headers)))
                answer = server.answers.pop(0) if len(server.answers) > 1 else server.answers[0]
                status, headers, body = answer(self) if callable(answer) else answer
                self.send_response(status)
                # told of the end, a client does not ask on a connection that is about to close
                whole = {"Content-Length": str(len(body)), "Connection": "close", **headers}
                for name, value in whole.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)
                self.close_connection = True

            do_HEAD = do_GET  # noqa: N815

            def log_message(self, *args: Any) -> None:
                pass

        self.httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.httpd.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.httpd.server_port}"

    def archive(self, **more: str) -> tuple[S3Archive, list[float]]:
        """An archive of this server, and the waits it took."""
        waits: list[float] = []
        return S3Archive(settings_of(self.url, "bucket", **more), sleep=waits.append), waits


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.httpd.shutdown()
    made.httpd.server_close()


def xml(code: str, more: str = "") -> bytes:
    return f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>m</Message>{more}</Error>".encode()


GOOD: Answer = (200, {"ETag": '"abc"'}, b"body")


@pytest.mark.parametrize(
    "trouble",
    [
        (503, {}, xml("SlowDown")),
        (500, {}, xml("InternalError")),
        (429, {}, b"slower"),
        (200, {"Content-Length": "400"}, b"cut off"),
    ],
    ids=["SlowDown", "500", "429", "cut off in the middle"],
)
def test_trouble_that_passes_is_waited_out(server: Server, trouble: Answer) -> None:
    server.answers = [trouble, trouble, GOOD]
    archive, waits = server.archive()
    assert archive.read(KEY) == (b"body", "abc")
    assert len(waits) == 2 and 0.5 <= waits[0] < waits[1] <= 1.25


def test_signed_address_is_no_secret_of_ours_and_ends_within_the_hour() -> None:
    pair = {"AWS_ACCESS_KEY_ID": "its-name", "AWS_SECRET_ACCESS_KEY": "its/secret+value"}
    address = S3Archive(settings_of("http://127.0.0.1:1", "bucket", **pair)).address(KEY)
    assert "its-name" in address and "its/secret+value" not in unquote(address)
    assert parse_qs(urlsplit(address).query)["X-Amz-Expires"] == ["3600"]


@pytest.mark.parametrize(
    "answer",
    [(200, {"Odd header": "x"}, b"body"), (503, {"Retry-After": "99"}, b""), (403, {}, b""), (302, {}, b"")],
    ids=["header that cannot be read", "busy", "refused", "elsewhere"],
)
def test_signed_address_stands_in_no_log_and_no_error(
    server: Server, answer: Answer, caplog: pytest.LogCaptureFixture
) -> None:
    """Not even where nobody has set logging up and everything is logged, as it may be on a Dask worker."""
    server.answers = [answer]
    archive, _ = server.archive()
    address = archive.address(KEY)
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, logger="urllib3")
    error = ""
    try:
        assert Fetcher().fetch(address, KEY)[0] == b"body"
    except (FatalError, TransientError) as exc:
        error = str(exc)
    assert (answer[0] == 200) == (error == "")
    assert "X-Amz-Signature" in server.asked[0][0]
    assert "X-Amz" not in caplog.text + error


def test_retry_after_is_honoured(server: Server) -> None:
    server.answers = [(503, {"Retry-After": "7"}, xml("SlowDown")), GOOD]
    archive, waits = server.archive()
    archive.read(KEY)
    assert waits == [7.0]


def test_trouble_that_stays_is_transient(server: Server) -> None:
    server.answers = [(503, {}, xml("SlowDown"))]
    archive, waits = server.archive()
    with pytest.raises(TransientError, match="SlowDown"):
        archive.read(KEY)
    assert len(waits) == parks_objects.TRIES - 1


def test_refused_access_says_which_settings(server: Server) -> None:
    server.answers = [(403, {}, xml("AccessDenied"))]
    with pytest.raises(ConfigError, match="check the AWS_ keys, or set ARCHIVE_S3_SIGNED=0"):
        list(server.archive()[0].list(RESORT))
    with pytest.raises(ConfigError, match="without keys .* ARCHIVE_S3_SIGNED=1"):
        list(server.archive(ARCHIVE_S3_SIGNED="0")[0].list(RESORT))
    with pytest.raises(FatalError, match="AccessDenied"):
        server.archive()[0].read(KEY)


def _only_in(region: str) -> Callable[[BaseHTTPRequestHandler], Answer]:
    """Answer as a bucket of that region does: 301 with the right one, or what is asked for."""

    def answer(handler: BaseHTTPRequestHandler) -> Answer:
        signed = f"{region}%2Fs3" in handler.path or f"/{region}/s3/" in handler.headers.get(
            "Authorization", ""
        )
        if not signed:
            redirect = xml("PermanentRedirect", f"<Region>{region}</Region>")
            return 301, {"x-amz-bucket-region": region}, redirect
        if "list-type" in handler.path:
            listing = "<ListBucketResult><Name>bucket</Name><Contents><Size>4</Size>"
            listing += f"<Key>{KEY}</Key>"
            listing += "<ETag>&quot;abc&quot;</ETag><LastModified>2026-01-01T00:00:00.000Z</LastModified>"
            listing += "</Contents></ListBucketResult>"
            return 200, {"Content-Type": "application/xml"}, listing.encode()
        return GOOD

    return answer


def test_bucket_of_another_region_is_found(server: Server) -> None:
    server.answers = [_only_in("eu-west-2")]
    archive, waits = server.archive()
    assert [info.key for info in archive.list(RESORT)] == [KEY]
    assert archive.read(KEY)[0] == b"body"
    assert archive.region == "eu-west-2" and waits == []
    asked = len(server.asked)
    archive.read(KEY)
    assert len(server.asked) == asked + 1  # it has learnt


def test_region_that_nobody_tells_is_asked_for(server: Server) -> None:
    server.answers = [(301, {}, xml("PermanentRedirect"))]
    with pytest.raises(ConfigError, match="ARCHIVE_S3_REGION: bucket 'bucket' does not lie in us-east-1"):
        list(server.archive()[0].list(RESORT))


def test_numbers_in_a_key_are_no_answer(server: Server) -> None:
    server.answers = [(400, {}, xml("InvalidArgument"))]
    prefix = "30140300-1301-4301-8301-301301301301/"
    with pytest.raises(FatalError, match="InvalidArgument") as caught:
        list(server.archive()[0].list(prefix))
    assert not isinstance(caught.value, ConfigError)


@pytest.mark.parametrize("code", ["AuthorizationHeaderMalformed", "IllegalLocationConstraintException"])
def test_answer_of_another_region_is_told_by_its_code(server: Server, code: str) -> None:
    server.answers = [(400, {}, xml(code))]
    with pytest.raises(ConfigError, match="ARCHIVE_S3_REGION"):
        list(server.archive()[0].list(RESORT))


def test_nobody_listens() -> None:
    archive = S3Archive(settings_of("http://127.0.0.1:9", "bucket"), sleep=lambda seconds: None)
    with pytest.raises(TransientError, match="cut off or not sent"):
        archive.read(KEY)


def test_object_larger_than_allowed_is_not_read(
    server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(parks_objects, "MAX_OBJECT_BYTES", 1000)
    (tmp_path / KEY).parent.mkdir(parents=True)
    (tmp_path / KEY).write_bytes(b"x" * 1001)
    with pytest.raises(FatalError, match="larger than"):
        open_archive(load_settings({}), str(tmp_path)).read(KEY)
    server.answers = [(200, {}, b"x" * 5000)]
    with pytest.raises(FatalError, match="larger than"):
        server.archive()[0].read(KEY)


def test_doctor_asks_the_archive(s3_url: str, bucket: Any) -> None:
    def found(settings: Settings) -> list[tuple[str, str | None]]:
        return list(check_sources(settings))

    assert found(load_settings({}))[0][1] is None
    assert "has no destinations" in str(found(settings_of(s3_url, bucket.name))[0][1])
    bucket(KEY, b"x")
    assert found(settings_of(s3_url, bucket.name)) == [("ARCHIVE_S3_BUCKET", None)]
    assert "does not exist" in str(found(settings_of(s3_url, "nowhere-at-all"))[0][1])
