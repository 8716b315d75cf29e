"""What answers mean, against a real server that misbehaves as it is told."""

import json
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from shared import http
from shared.errors import ConfigError, FatalError, TransientError
from shared.http import Client, NotFound, decode_json, read_retry_after

Answer = tuple[int, dict[str, str], bytes]


class Server:
    """Gives the scripted answers in order, the last one again and again; keeps what was asked."""

    def __init__(self) -> None:
        self.script: list[Answer | Callable[[BaseHTTPRequestHandler], None]] = []
        self.asked: list[tuple[str, str, dict[str, str], bytes]] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                server.asked.append((self.command, self.path, dict(self.headers), body))
                step = server.script.pop(0) if len(server.script) > 1 else server.script[0]
                if callable(step):
                    step(self)
                    return
                status, headers, answer = step
                self.send_response(status)
                for name, value in {"Content-Length": str(len(answer)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(answer)

            do_POST = do_GET

            def log_message(self, *_: object) -> None:
                pass

        self.httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.httpd.handle_error = lambda *_: None  # type: ignore[method-assign]  # clients that hang up
        self.url = f"http://127.0.0.1:{self.httpd.server_port}"
        threading.Thread(target=self.httpd.serve_forever, args=(0.01,), daemon=True).start()


@pytest.fixture
def server() -> Iterator[Server]:
    one = Server()
    yield one
    one.httpd.shutdown()
    one.httpd.server_close()


@pytest.fixture
def waits() -> list[float]:
    return []


@pytest.fixture
def client(server: Server, waits: list[float]) -> Iterator[Client]:
    one = Client("shop", server.url, auth=("ck", "cs"), credentials_hint="check SHOP_KEY", sleep=waits.append)
    yield one
    one.close()


def ok(value: object) -> Answer:
    return 200, {"Content-Type": "application/json"}, json.dumps(value).encode()


def test_json_comes_decoded_with_its_headers(server, client):
    server.script = [(200, {"X-WP-Total": "7"}, b"[1, 2]")]
    value, headers = client.get_json("orders", list[int], {"page": 1})
    assert (value, headers["x-wp-total"]) == ([1, 2], "7")
    assert server.asked[0][:2] == ("GET", "/orders?page=1")
    assert server.asked[0][2]["Authorization"].startswith("Basic ")


def test_a_body_is_posted_as_json(server, client):
    server.script = [ok({})]
    client.post_json("search", dict, {"limit": 2})
    assert json.loads(server.asked[0][3]) == {"limit": 2}


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 521])
def test_passing_trouble_is_tried_again_until_it_passes(server, client, waits, status):
    server.script = [(status, {}, b""), (status, {}, b""), ok([])]
    assert client.get_json("orders", list)[0] == []
    assert len(server.asked) == 3
    assert waits[0] >= 1 and waits[1] >= 2, "each wait is longer than the one before"


def test_trouble_that_stays_is_transient_and_names_source_host_and_path_but_no_query(server, client):
    server.script = [(503, {}, b"secret")]
    with pytest.raises(TransientError) as caught:
        client.get_json("orders", list, {"consumer_secret": "hush"})
    assert str(caught.value) == f"shop at {server.url[7:]}, /orders: answered 503"
    assert len(server.asked) == http.TRIES


def test_retry_after_is_honoured(server, client, waits):
    server.script = [(429, {"Retry-After": "7"}, b""), ok([])]
    client.get_json("orders", list)
    assert waits == [7.0]


def test_a_long_retry_after_is_left_to_the_runner(server, client, waits):
    server.script = [(429, {"Retry-After": "3600"}, b"")]
    with pytest.raises(TransientError) as caught:
        client.get_json("orders", list)
    assert caught.value.retry_after == 3600.0
    assert (len(server.asked), waits) == (1, [])


def test_retry_after_may_be_a_date():
    moment = datetime.now(UTC) + timedelta(seconds=90)
    assert 80 < (read_retry_after(format_datetime(moment, usegmt=True)) or 0) <= 90
    assert read_retry_after("Wed, 21 Oct 2015 07:28:00 GMT") == 0.0
    assert read_retry_after("soon") is None
    assert read_retry_after(None) is None


@pytest.mark.parametrize("status", [401, 403])
def test_refused_credentials_are_fatal_at_once_and_say_what_to_check(server, client, status):
    server.script = [(status, {}, b'{"message": "no"}')]
    with pytest.raises(FatalError, match=f"refused the credentials \\({status}\\): check SHOP_KEY"):
        client.get_json("orders", list)
    assert len(server.asked) == 1


def test_other_refusals_are_fatal_and_quote_the_source(server, client):
    server.script = [(400, {}, b'{"message":\n "Invalid parameter(s): status"}')]
    with pytest.raises(FatalError, match=r'answered 400: \{"message": "Invalid parameter'):
        client.get_json("orders", list)
    assert len(server.asked) == 1


def test_nothing_there_is_its_own_error(server, client):
    server.script = [(404, {}, b"")]
    with pytest.raises(NotFound):
        client.download("file")


def test_half_a_page_is_asked_for_again(server, client):
    server.script = [(200, {}, b'[{"id": 1}, {"id":'), ok([{"id": 1}, {"id": 2}])]
    assert len(client.get_json("orders", list)[0]) == 2


def test_half_a_page_for_ever_is_transient(server, client):
    server.script = [(200, {}, b'[{"id": 1}, {"id":')]
    with pytest.raises(TransientError, match="18 bytes that are not whole JSON"):
        client.get_json("orders", list)


def test_an_html_page_is_named_by_its_title(server, client):
    server.script = [(200, {}, b"<!doctype html><html><head><title> Just a\n moment </title></head></html>")]
    with pytest.raises(TransientError, match='an HTML page titled "Just a moment" instead of JSON'):
        client.get_json("orders", list)


def test_json_of_another_shape_is_fatal(server, client):
    server.script = [ok({"code": "x"})]
    with pytest.raises(FatalError, match="another shape than documented: Expected `array`, got `object`"):
        client.get_json("orders", list)
    assert len(server.asked) == 1


def cut_in_the_middle(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b"[" + b" " * 400)
    handler.close_connection = True


def test_a_cut_body_is_asked_for_again_and_no_half_file_is_handed_out(server, client):
    server.script = [cut_in_the_middle, (200, {}, b"whole")]
    body, _ = client.download("file")
    with body:
        assert body.read() == b"whole"


def test_a_body_that_is_cut_for_ever_is_transient(server, client):
    server.script = [cut_in_the_middle]
    with pytest.raises(TransientError, match="the answer was cut off"):
        client.get_json("orders", list)


def test_a_connection_that_ends_without_an_answer_is_transient(server, client):
    def hang_up(handler: BaseHTTPRequestHandler) -> None:
        handler.connection.close()
        handler.close_connection = True

    server.script = [hang_up]
    with pytest.raises(TransientError, match="cannot be reached"):
        client.get_json("orders", list)


def test_nobody_at_home_is_transient(server, waits):
    server.httpd.server_close()
    client = Client("shop", "http://127.0.0.1:9", sleep=waits.append)
    with pytest.raises(
        TransientError, match=r"shop at 127.0.0.1:9, /orders: cannot be reached \(connection refused\)"
    ):
        client.get_json("orders", list)


def test_an_unknown_host_is_transient(waits):
    client = Client("shop", "http://no-such-host.invalid", sleep=waits.append)
    with pytest.raises(TransientError, match="shop at no-such-host.invalid, /orders: cannot be reached"):
        client.get_json("orders", list)


def test_an_answer_without_end_is_fatal(server, client, monkeypatch):
    monkeypatch.setattr(http, "MAX_JSON_BYTES", 1000)
    server.script = [(200, {}, b"[" + b" " * 2000 + b"]")]
    with pytest.raises(FatalError, match="larger than 1000 bytes"):
        client.get_json("orders", list)


def test_an_answer_that_trickles_ends_at_the_deadline(server, client, monkeypatch):
    monkeypatch.setattr(http, "DEADLINE", -1.0)
    server.script = [ok([1])]
    with pytest.raises(TransientError, match="no end of the answer"):
        client.get_json("orders", list)


def test_a_silent_source_is_transient(server, client, monkeypatch):
    monkeypatch.setattr(http, "READ_TIMEOUT", 0.05)
    never = threading.Event()
    server.script = [lambda handler: never.wait(0.5) and None]
    with pytest.raises(TransientError, match="nothing came for 0 s"):
        client.get_json("orders", list)


def test_a_netrc_does_not_replace_our_authorization(server, tmp_path, monkeypatch):
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login somebody password else\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    server.script = [ok([])]
    Client("shop", server.url, headers={"Authorization": "Bearer token"}).get_json("orders", list)
    assert server.asked[0][2]["Authorization"] == "Bearer token"


def test_an_address_without_scheme_is_a_mistake_in_the_settings():
    with pytest.raises(ConfigError, match="'shop.example' is not an http"):
        Client("shop", "shop.example").get_json("orders", list)


def test_decoding_tells_truncated_from_wrong():
    with pytest.raises(TransientError, match="0 bytes that are not whole JSON"):
        decode_json(b"", list, "shop")
    with pytest.raises(TransientError, match="not whole JSON"):
        decode_json(b'["\xff"]', list[str], "shop")


def test_half_an_emoji_in_one_name_does_not_cost_the_page():
    body = rb'[{"n": "cut \ud83d"}, {"n": "\udc00 low"}, {"n": "whole \ud83d\ude00"}]'
    assert [item["n"] for item in decode_json(body, list[dict], "shop")] == [
        "cut \ufffd",
        "\ufffd low",
        "whole 😀",
    ]
