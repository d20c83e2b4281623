"""A call straight to its provider, read with the eyes of the daemon."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from daemon.cli import direct
from daemon.config import default_paths
from daemon.curl.request import plain_request
from daemon.model import Ask, Call, Origin, Scope
from daemon.redact import Redactor, Sealed
from gateway.scripted import CATALOGUE, DONE, JSON, SSE, Answer, Upstream, event, no_credit, ok

KEY = "CANARY-direct-0123456789"


def call(stream: bool = False, url: str = "https://api.openai.com") -> Call:
    """A chat call as the journal gives it back."""
    redactor = Redactor(b"t")
    return Call(
        id="c1",
        origin=Origin("api.openai.com", url, "openai"),
        scope=Scope("api.openai.com", "-", ""),
        method="POST",
        target=redactor.target("/v1/chat/completions"),
        headers=(("Authorization", redactor.header("Authorization", f"Bearer {KEY}")),),
        body=b'{"model":"m"}',
        ask=Ask(kind="chat", stream=stream),
    )


def outcome(answer: Any, stream: bool = False) -> direct.Outcome:
    """What comes of one sending that gets ANSWER."""
    return asyncio.run(direct.once(Upstream(answer), CATALOGUE, call(stream)))


def test_success_and_failure() -> None:
    """Status, subtype and the limits that the headers state."""
    limits = (("x-ratelimit-limit-requests", "60"), ("x-ratelimit-remaining-requests", "3"))
    good = outcome(ok(headers=(*JSON, *limits)))
    assert (good.status, good.failed) == (200, False)
    assert {"dimension": "requests", "limit": 60.0, "remaining": 3.0}.items() <= good.limits[0].items()
    bad = outcome(no_credit())
    assert (bad.status, bad.subtype) == (429, "insufficient_quota")
    assert bad.line


@pytest.mark.parametrize(
    ("answer", "subtype"),
    [
        ("refused", "unreachable"),
        (ok(event("a"), headers=SSE), "truncated"),
        (ok(event("a"), "truncated", headers=SSE), "truncated"),
        (ok(b'data: {"error":{"message":"no credit","code":"insufficient_quota"}}\n\n', headers=SSE), None),
    ],
)
def test_failures_that_a_status_does_not_tell(answer: Any, subtype: str | None) -> None:
    """No connection, a stream without its end, a cut one, and an error behind a 200 are failures."""
    found = outcome(answer, stream=True)
    assert found.failed
    assert found.subtype == (subtype or "insufficient_quota")


def test_a_whole_stream_is_a_success() -> None:
    """With its closing mark."""
    assert not outcome(ok(event("a"), DONE, headers=SSE), stream=True).failed


def test_a_key_in_the_answer_is_not_shown() -> None:
    """Providers repeat keys in their errors."""
    body = json.dumps({"error": {"message": f"Something odd with {KEY} here", "type": "odd"}}).encode()
    assert KEY not in outcome(Answer(418, JSON, body)).line


def test_values_that_were_not_kept(monkeypatch: Any) -> None:
    """What the environment has of them goes along, sealed; a field without a value is left out."""
    monkeypatch.setenv("HEADER_X_SID", "CANARY-sid")
    fields = (("X-Pass", "CANARY-pass"), ("X-Sid", "CANARY-sid"), ("Accept", "*/*"))
    kept = replace(call(), headers=tuple((name, Sealed(value)) for name, value in fields)).shown()
    sent = direct.filled(plain_request(kept, key_variable="K"), "")
    assert [(name, value.reveal()) for name, value in sent.headers] == [*fields[1:]]
    assert "CANARY" not in repr(sent.headers)


def test_over_the_network(home: Path) -> None:
    """The real upstream sends the key in its place, so often, with the configured time limits."""
    seen: list[tuple[str, str | None, bytes]] = []

    class Provider(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            seen.append((self.path, self.headers["Authorization"], body))
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        log_message: Callable[..., None] = lambda *given: None

    server = HTTPServer(("127.0.0.1", 0), Provider)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        plain = plain_request(call(url=f"http://127.0.0.1:{server.server_port}/p"), key_variable="K")
        paths = default_paths({"HOME": str(home), "SLUICE_CONFIG": str(home / "config.yaml")})
        later = direct.send(paths, plain, "CANARY-other-key", 2)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    assert [one.status for one in later] == [200, 200]
    assert seen == [("/p/v1/chat/completions", "Bearer CANARY-other-key", b'{"model":"m"}')] * 2
