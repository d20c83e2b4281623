"""What gptel needs of whatever stands between it and a provider: eleven rules, a test each.

The real daemon stands between a visitor who sees bytes and a provider that sends whatever bytes a test wants.
"""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from stage.world import APIS, CHATS, HOSTS, KEYS, Api, config

pytestmark = pytest.mark.e2e

GUARD_S = 20.0
MOMENT_S = 0.05
"""Long enough to see that nothing comes; a test that passes needs no more."""

Play = Callable[["Connection"], None]


class Connection:
    """One connection from the daemon to the provider."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.head = b""
        self.body = b""
        self.gone = threading.Event()

    def read(self) -> bool:
        """Read a request; False at the end."""
        data = b""
        while b"\r\n\r\n" not in data:
            piece = self.sock.recv(1 << 16)
            if not piece:
                return False
            data += piece
        self.head, _, self.body = data.partition(b"\r\n\r\n")
        size = int(self.head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0] or 0)
        while len(self.body) < size:
            self.body += self.sock.recv(1 << 20)
        return True

    def send(self, data: bytes) -> None:
        """Send bytes."""
        self.sock.sendall(data)

    def answer(self, status: str, body: bytes, *fields: str) -> None:
        """Send a whole answer."""
        lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *fields, "", ""]
        self.send("\r\n".join(lines).encode() + body)

    def wait_for_end(self) -> None:
        """Return when the daemon has closed."""
        with contextlib.suppress(OSError):
            while self.sock.recv(1 << 16):
                pass
        self.gone.set()


class Provider:
    """A provider on loopback that plays the plays in turn, one a request; the last one again and again."""

    def __init__(self) -> None:
        self.plays: list[Play] = []
        self.seen: list[Connection] = []
        self.asked = threading.Event()
        self._lock = threading.Lock()
        self._server = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._server.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                sock, _ = self._server.accept()
                threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock: socket.socket) -> None:
        with sock, contextlib.suppress(OSError):
            connection = Connection(sock)
            while connection.read():
                with self._lock:
                    self.seen.append(connection)
                    play = self.plays[min(len(self.seen), len(self.plays)) - 1]
                self.asked.set()
                play(connection)
                connection = Connection(sock)
            connection.gone.set()

    def close(self) -> None:
        """Stop accepting."""
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()


@pytest.fixture
def provider() -> Iterator[Provider]:
    """A provider without a play."""
    made = Provider()
    yield made
    made.close()


class Visitor:
    """A client of the socket that sees what comes, read by read."""

    def __init__(self, path: Path) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(GUARD_S)
        self.sock.connect(str(path))

    def __enter__(self) -> Visitor:
        return self

    def __exit__(self, *_: object) -> None:
        self.sock.close()

    def send(self, data: bytes) -> None:
        """Send bytes."""
        self.sock.sendall(data)

    def first_read(self) -> bytes:
        """What the first read gives."""
        return self.sock.recv(1 << 16)

    def nothing_yet(self) -> bool:
        """True if nothing has come and the connection stands."""
        self.sock.settimeout(MOMENT_S)
        try:
            self.sock.recv(1, socket.MSG_PEEK)
        except TimeoutError:
            return True
        finally:
            self.sock.settimeout(GUARD_S)
        return False

    def rest(self) -> bytes:
        """All that comes until the end of the connection."""
        data = b""
        with contextlib.suppress(ConnectionResetError):
            while piece := self.sock.recv(1 << 16):
                data += piece
        return data


def post(
    api: Api, model: str = "gpt-4o-mini", *, stream: bool = False, body: bytes | None = None, fields: str = ""
) -> bytes:
    """The request that a client sends for API, closing after the answer."""
    url = api.url(model, stream=stream).removeprefix("http://")
    host, slash, path = url.partition("/")
    data = json.dumps(api.body(model, stream=stream)).encode() if body is None else body
    method = "GET" if api.name == "models" else "POST"
    data = b"" if api.name == "models" else data
    head = (
        f"{method} {slash}{path} HTTP/1.1\r\nHost: {host}\r\n{api.key_header()}\r\nContent-Type: application/json\r\n"
        f"{fields}Connection: close\r\nContent-Length: {len(data)}\r\n\r\n"
    )
    return head.encode() + data


def ask(daemon: Any, request: bytes) -> tuple[bytes, bytes]:
    """Head and raw body of the answer to REQUEST."""
    with Visitor(daemon.socket) as visitor:
        visitor.send(request)
        head, _, body = visitor.rest().partition(b"\r\n\r\n")
        return head, body


def status_of(head: bytes) -> int:
    """The status in a head."""
    return int(head.split(b" ")[1])


def fields_of(head: bytes) -> dict[str, str]:
    """The fields of a head, names in lower case."""
    return {name.lower(): value for name, value in (line.split(": ", 1) for line in head.decode().split("\r\n")[1:])}


def unchunked(body: bytes) -> bytes:
    """The content of a chunked body; its end must be a proper one."""
    out = b""
    while True:
        size, _, body = body.partition(b"\r\n")
        if int(size, 16) == 0:
            assert body == b"\r\n"
            return out
        out, body = out + body[: int(size, 16)], body[int(size, 16) + 2 :]


def whole(api: Api) -> bytes:
    """A whole answer in the API's own form."""
    return {
        "chat": b'{"choices":[{"message":{"content":"Hi"}}],"usage":{"prompt_tokens":1,"completion_tokens":1}}',
        "responses": b'{"output":[{"content":[{"type":"output_text","text":"Hi"}]}],"status":"completed"}',
        "messages": b'{"type":"message","content":[{"type":"text","text":"Hi"}],"stop_reason":"end_turn"}',
        "generate": b'{"candidates":[{"content":{"parts":[{"text":"Hi"}]},"finishReason":"STOP"}]}',
    }.get(api.name, b'{"data":[{}]}')


CHUNK = b'data: {"choices":[{"delta":{"content":"Hi"}}]}\n\n'
LAST = b'data: {"choices":[{"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
CHUNKED = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


def framed(piece: bytes) -> bytes:
    """PIECE as one chunk."""
    return b"%x\r\n%b\r\n" % (len(piece), piece)


def no_credit(connection: Connection) -> None:
    """OpenAI's 429 that waiting does not clear."""
    error = {
        "message": "Your credit is gone.\nSee billing.",
        "type": "insufficient_quota",
        "param": None,
        "code": "insufficient_quota",
    }
    connection.answer("429 Too Many Requests", json.dumps({"error": error}).encode(), "Content-Type: application/json")


def test_rule_1_full_answers_only(sluice: Any, provider: Provider) -> None:
    """200 or a full error: no 1xx line even when asked for, no other 2xx, no redirect."""
    daemon = sluice(config(provider.url))
    for api in CHATS:
        for status in ("201 Created", "202 Accepted", "203 Other"):
            early = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
            provider.plays = [
                lambda c, early=early, status=status, api=api: (c.send(early), c.answer(status, whole(api)))
            ]
            head, body = ask(daemon, post(api, fields="Expect: 100-continue\r\n"))
            assert head.startswith(b"HTTP/1.1 200 "), head
            assert body == whole(api)
        provider.plays = [lambda c: c.answer("302 Found", b"", "Location: http://127.0.0.1:1/")]
        head, body = ask(daemon, post(api))
        assert status_of(head) >= 400
        assert "location" not in fields_of(head)
        assert json.loads(body)["error"]["message"]


def test_rule_2_ascii_headers_and_short_reason(sluice: Any, provider: Provider) -> None:
    """Whatever the provider sends, the head is ASCII and the reason at most 30 characters."""
    daemon = sluice(config(provider.url))
    odd = ("X-Word: żółw", "X-Ключ: 1", "Content-Type: application/json")
    for status in (
        "200 Всё хорошо",
        "429 Too Many Requests And Then Some More Words Than Anybody Reads",
        "400 Źle",
        "418 ",
    ):
        for body in (whole(CHATS[0]), b"<html>"):
            provider.plays = [lambda c, status=status, body=body: c.answer(status, body, *odd)]
            head, _ = ask(daemon, post(CHATS[0], fields="X-Sluice-Deadline: 0.2\r\n"))
            assert head.isascii()
            assert len(head.split(b"\r\n")[0].split(b" ", 2)[2]) <= 30
    head, _ = ask(daemon, post(CHATS[0]).replace(b"Host: api.openai.com", b"Host: unknown.example"))
    assert len(head.split(b"\r\n")[0].split(b" ", 2)[2]) <= 30


def test_rule_3_content_type_as_the_providers(sluice: Any, provider: Provider) -> None:
    """Byte for byte, streaming and not."""
    daemon = sluice(config(provider.url))
    for kind in (
        "application/json",
        "application/json; charset=UTF-8",
        "text/event-stream;charset=utf-8",
        "text/x-odd",
    ):
        provider.plays = [lambda c, kind=kind: c.answer("200 OK", whole(CHATS[0]), f"Content-Type: {kind}")]
        assert fields_of(ask(daemon, post(CHATS[0]))[0])["content-type"] == kind
        provider.plays = [lambda c, kind=kind: c.answer("200 OK", CHUNK + LAST, f"Content-Type: {kind}")]
        assert fields_of(ask(daemon, post(CHATS[0], stream=True))[0])["content-type"] == kind


ODD_BODIES = (
    b"<!DOCTYPE html><html><body>Bad gateway</body></html>",
    b"",
    b'"no"',
    b"[]",
    b"null",
    b"\xff\xfe",
    b'{"detail":"no"}',
)


def test_rule_4_error_bodies(sluice: Any, provider: Provider) -> None:
    """An object in the provider's shape with one short line, type and code kept, details in `error.sluice`."""
    daemon = sluice(config(provider.url))
    for api in CHATS:
        for body in ODD_BODIES:
            provider.plays = [lambda c, body=body: c.answer("403 Forbidden", body, "Content-Type: text/html")]
            head, got = ask(daemon, post(api, f"model-{ODD_BODIES.index(body)}"))
            error = json.loads(got)["error"]
            assert status_of(head) == 403
            assert fields_of(head)["content-type"] == "application/json"
            assert 0 < len(error["message"]) <= 150
            assert "\n" not in error["message"]
            assert error["sluice"]["subtype"]
            assert ("status" in error) is (api.provider == "gemini")
    provider.plays = [no_credit]
    error = json.loads(ask(daemon, post(CHATS[0]))[1])["error"]
    assert (error["type"], error["code"], error["param"]) == ("insufficient_quota", "insufficient_quota", None)
    assert len(error["message"]) <= 150
    assert "\n" not in error["message"]
    assert "Your credit is gone" in error["sluice"]["original"]


def test_rule_5_no_bytes_before_the_status_is_known(sluice: Any, provider: Provider) -> None:
    """The client hears nothing while a call waits or is sent again; after its first byte nothing is sent again."""
    daemon = sluice(config(provider.url))
    go_on, held = threading.Event(), threading.Event()

    def refuse(connection: Connection) -> None:
        go_on.wait(GUARD_S)
        connection.answer("429 Too Many Requests", b"{}", "Retry-After: 1", "retry-after-ms: 100")
        held.set()

    provider.plays = [refuse, lambda c: c.answer("200 OK", whole(CHATS[0]))]
    with Visitor(daemon.socket) as visitor:
        visitor.send(post(CHATS[0]))
        assert provider.asked.wait(GUARD_S)
        assert visitor.nothing_yet()
        go_on.set()
        assert held.wait(GUARD_S)
        data = visitor.rest()
    assert data.count(b"HTTP/1.1 ") == 1
    assert data.startswith(b"HTTP/1.1 200 ")
    assert len(provider.seen) == 2

    def cut(connection: Connection) -> None:
        connection.send(CHUNKED + framed(CHUNK))
        connection.sock.shutdown(socket.SHUT_RDWR)

    provider.plays, provider.seen = [cut], []
    ask(daemon, post(CHATS[0], "another-model", stream=True))
    assert len(provider.seen) == 1


def test_rule_6_a_client_that_leaves(sluice: Any, provider: Provider) -> None:
    """One that waits is never sent; one that reads a stream has its provider's connection closed at once."""
    daemon = sluice(config(provider.url, limits="[{requests: 1, per: minute}]"))
    ended = threading.Event()

    def stream(connection: Connection) -> None:
        connection.send(CHUNKED + framed(CHUNK))
        connection.wait_for_end()
        ended.set()

    provider.plays = [stream]
    with Visitor(daemon.socket) as reading:
        reading.send(post(CHATS[0], stream=True))
        assert reading.first_read()
        with Visitor(daemon.socket) as waiting:
            waiting.send(post(CHATS[0]))
            wait_until(lambda: len(json.loads(daemon.run("status", "--json").stdout)["queue"]) == 1)
            assert waiting.nothing_yet()
        wait_until(lambda: json.loads(daemon.run("status", "--json").stdout)["queue"] == [])
    assert ended.wait(GUARD_S)
    rows = [json.loads(line) for line in daemon.run("calls", "--json").stdout.splitlines()]
    assert [row["state"] for row in rows] == ["cancelled", "cancelled"]
    assert len(provider.seen) == 1


def wait_until(true: Callable[[], bool]) -> None:
    """Ask again and again; each question is a process, so that no sleep is needed."""
    end = time.monotonic() + GUARD_S
    while not true():
        assert time.monotonic() < end


def test_rule_7_bodies_unchanged(sluice: Any, provider: Provider) -> None:
    """Bytes in are bytes out, in both directions: line feeds in front, odd spaces, several megabytes."""
    daemon = sluice(config(provider.url))
    big = "é\n" * 2_500_000
    bodies = [
        b'\n\n {"model" : "gpt-4o-mini",\t"messages":[] }\r\n',
        json.dumps(CHATS[0].body("gpt-4o-mini", big), ensure_ascii=False).encode(),
    ]
    for body in bodies:
        answer = b"\n" + whole(CHATS[0]) + b" \n"
        provider.plays = [lambda c, answer=answer: c.answer("200 OK", answer, "Content-Type: application/json")]
        assert ask(daemon, post(CHATS[0], body=body))[1] == answer
        assert provider.seen[-1].body == body
    stream = b"\n\n: hello\r\n\r\n" + CHUNK + b"event: odd\ndata:\n\n" + LAST
    for size in (1, 7, len(stream)):
        pieces = [framed(stream[at : at + size]) for at in range(0, len(stream), size)]
        provider.plays = [lambda c, pieces=pieces: c.send(CHUNKED + b"".join(pieces) + b"0\r\n\r\n")]
        assert unchunked(ask(daemon, post(CHATS[0], stream=True))[1]) == stream


def test_rule_8_paths_are_recognised(sluice: Any, provider: Provider) -> None:
    """Each API's call is known by its model, in the body or in Gemini's path; the path goes on as it is."""
    daemon = sluice(config(provider.url))
    cases = [(api, stream) for api in APIS for stream in ((False, True) if api.stream_path else (False,))]
    for number, (api, stream) in enumerate(cases):
        provider.plays = [lambda c, api=api: c.answer("200 OK", whole(api), "Content-Type: application/json")]
        head, _ = ask(daemon, post(api, f"some-model-{number}", stream=stream))
        assert status_of(head) == 200
        path = api.url(f"some-model-{number}", stream=stream).removeprefix(f"http://{HOSTS[api.provider]}")
        assert provider.seen[-1].head.split(b" ")[1] == path.encode()
    rows = [json.loads(line) for line in daemon.run("calls", "--json").stdout.splitlines()]
    models = [None if api.name == "models" else f"some-model-{number}" for number, (api, _) in enumerate(cases)]
    assert [row["model"] for row in reversed(rows)] == models


def test_rule_9_secrets_are_redacted(sluice: Any, provider: Provider, canary: Any) -> None:
    """The provider gets every credential; the journal, the log, the explanation and the curl command have none."""
    daemon = sluice(config(provider.url))
    names = (
        "Authorization", "x-api-key", "api-key", "X-goog-api-key", "X-Amz-Security-Token", "Cookie", "X-My-Token",
        "Proxy-Secret",
    )  # fmt: skip
    keys = {name: f"CANARY-{name.lower()}-7d1e5b9c" for name in names}
    fields = "".join(f"{name}: {'Bearer ' if name == 'Authorization' else ''}{key}\r\n" for name, key in keys.items())
    provider.plays = [
        lambda c: c.answer(
            "401 Unauthorized", b'{"error":{"message":"Incorrect key: ' + keys["x-api-key"].encode() + b'"}}'
        )
    ]
    request = post(CHATS[0], fields=fields).replace(b"completions", b"completions?key=CANARY-in-the-query-7d1e5b9c", 1)
    ask(daemon, request)
    for key in (*keys.values(), "CANARY-in-the-query-7d1e5b9c"):
        assert key.encode() in provider.seen[-1].head
    outputs = [daemon.run(*words).stdout for words in (("calls", "last"), ("calls", "--json"), ("curl", "last-failed"))]
    outputs += [daemon.run("explain", "last-failed", "--json").stdout, daemon.stderr]
    files = [file.read_bytes() for file in daemon.state_dir.rglob("*") if file.is_file()]
    assert files
    assert not [text for text in outputs if "CANARY" in text]
    assert not [data for data in files if b"CANARY" in data]
    assert "curl" in outputs[2]


def test_rule_10_a_cut_stream_ends_uncleanly(sluice: Any, provider: Provider) -> None:
    """No last chunk for the client, and `truncated` in the journal."""
    daemon = sluice(config(provider.url))

    def cut(connection: Connection) -> None:
        connection.send(CHUNKED + framed(CHUNK))
        connection.sock.shutdown(socket.SHUT_RDWR)

    provider.plays = [cut]
    head, body = ask(daemon, post(CHATS[0], stream=True))
    assert status_of(head) == 200
    assert body == framed(CHUNK)
    row = json.loads(daemon.run("calls", "last", "--json").stdout)
    assert (row["state"], row["subtype"]) == ("failed", "truncated")


@pytest.mark.parametrize(
    "pieces", [(b"[", b'{"candidates":[{"content":{"parts":[{"text":"Hi"}]}}]}', b"]"), (b"da", CHUNK[2:], LAST)]
)
def test_rule_11_headers_come_with_the_first_event(sluice: Any, provider: Provider, pieces: tuple[bytes, ...]) -> None:
    """One read gives the head and a whole first event, never a lone bracket, though the provider sends them apart."""
    daemon = sluice(config(provider.url))
    api = CHATS[3] if pieces[0] == b"[" else CHATS[0]
    read, begun = threading.Event(), threading.Event()

    def slowly(connection: Connection) -> None:
        connection.send(CHUNKED)
        connection.send(framed(pieces[0]))
        begun.set()
        go_on.wait(GUARD_S)
        connection.send(framed(pieces[1]))
        read.wait(GUARD_S)
        connection.send(framed(pieces[2]) + b"0\r\n\r\n")

    go_on = threading.Event()
    provider.plays = [slowly]
    with Visitor(daemon.socket) as visitor:
        visitor.send(post(api, stream=True).replace(b"?alt=sse", b""))
        assert begun.wait(GUARD_S)
        assert visitor.nothing_yet()
        go_on.set()
        first = visitor.first_read()
        read.set()
        head, end, body = first.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 ")
        assert end
        assert pieces[0] + pieces[1] in body
        assert unchunked(body + visitor.rest()) == b"".join(pieces)


def test_the_keys_of_these_tests_are_watched() -> None:
    """All keys that the visitor uses are canaries, which the whole run is searched for."""
    assert all(key.startswith("CANARY-") for key in KEYS.values())
