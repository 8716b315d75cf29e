"""The object store as a folder and as a bucket of a real S3 server (moto), through the same promises."""

import io
from dataclasses import replace

import boto3
import pytest
from moto.server import ThreadedMotoServer

from shared.config import load_settings
from shared.errors import ConfigError, FatalError, TransientError
from shared.objectstore import open_store

KEYS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}


@pytest.fixture(scope="module")
def s3_url():
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    boto3.client(
        "s3",
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    ).create_bucket(Bucket="house")
    yield url
    server.stop()


@pytest.fixture(params=["folder", "bucket", "prefix in a bucket"])
def store(request, tmp_path):
    if request.param == "folder":
        return open_store(load_settings({"OBJECT_STORE_URL": f"file://{tmp_path}/with%20space"}))
    url = request.getfixturevalue("s3_url")
    prefix = f"/{tmp_path.name}" if "prefix" in request.param else ""
    settings = load_settings({"OBJECT_STORE_URL": f"s3://house{prefix}", "S3_ENDPOINT_URL": url, **KEYS})
    made = open_store(settings)
    for item in made.list(""):
        made.delete(item.key)
    return made


def test_what_was_put_comes_back(store):
    store.check()
    info = store.put("landing/a/1.gz", b"first")
    assert (info.key, info.size) == ("landing/a/1.gz", 5)
    assert store.read("landing/a/1.gz") == b"first"
    again = store.put("landing/a/1.gz", io.BytesIO(b"second"))
    assert again.etag != info.etag
    with store.open("landing/a/1.gz") as body:
        body.seek(3)
        assert body.read() == b"ond"


def test_a_listing_has_the_prefix_alone_and_is_sorted(store):
    for key in ("landing/b/2", "landing/a/1", "landing/ab/3", "raw/x"):
        store.put(key, b"x")
    assert [item.key for item in store.list("landing/a")] == ["landing/a/1", "landing/ab/3"]
    assert [item.key for item in store.list("landing/a/")] == ["landing/a/1"]
    assert list(store.list("nothing/")) == []


def test_what_is_not_there(store):
    assert store.head("no/such") is None
    with pytest.raises(FatalError, match="no/such"):
        store.read("no/such")
    store.delete("no/such")


def test_a_folder_takes_no_key_outside_of_it(tmp_path):
    store = open_store(load_settings({"OBJECT_STORE_URL": f"file://{tmp_path}/objects"}))
    for key in ("../outside", "/etc/passwd", "a/../../b"):
        with pytest.raises(FatalError, match="not a relative path"):
            store.put(key, b"x")


def test_a_broken_write_leaves_nothing(tmp_path):
    class Broken(io.RawIOBase):
        def read(self, size=-1):
            raise RuntimeError("cut")

    store = open_store(load_settings({"OBJECT_STORE_URL": f"file://{tmp_path}/objects"}))
    with pytest.raises(RuntimeError):
        store.put("a/b", Broken())
    assert store.head("a/b") is None
    assert list(store.list("")) == []


def test_a_missing_bucket_says_its_name_and_what_to_do(s3_url):
    settings = load_settings({"OBJECT_STORE_URL": "s3://absent", "S3_ENDPOINT_URL": s3_url, **KEYS})
    with pytest.raises(ConfigError, match="bucket 'absent' does not exist: create it"):
        open_store(settings).check()


def test_a_store_that_is_away_is_transient():
    environ = {"OBJECT_STORE_URL": "s3://house", "S3_ENDPOINT_URL": "http://127.0.0.1:9", **KEYS}
    with pytest.raises(TransientError, match="object store"):
        open_store(load_settings(environ)).check()


def test_keys_may_come_from_files(s3_url, tmp_path):
    for name in KEYS:
        (tmp_path / name).write_text("test\n")
    files = {f"{name}_FILE": str(tmp_path / name) for name in KEYS}
    settings = load_settings({"OBJECT_STORE_URL": "s3://house", "S3_ENDPOINT_URL": s3_url, **files})
    open_store(replace(settings)).check()


def test_a_folder_that_cannot_be_used_says_where_it_is(tmp_path):
    (tmp_path / "raw").write_text("a file, where a folder should be")
    store = open_store(load_settings({"OBJECT_STORE_URL": f"file://{tmp_path}"}))
    with pytest.raises(FatalError, match=f"cannot write object raw/a below {tmp_path}: "):
        store.put("raw/a", b"x")
    for action in (store.read, store.delete):
        with pytest.raises(FatalError, match=f"object raw/a below {tmp_path}: Not a directory"):
            action("raw/a")
