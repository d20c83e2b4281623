"""`daemon check --provider`: a key looked at by free questions, with providers that answer on loopback."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from cli.test_offline import (
    break_calls,
    journal,  # noqa: F401 - a fixture
)

KEY = "CANARY-account-9a8b7c6d5e4f"
Answers = dict[tuple[str, bool], tuple[int, dict[str, str], Any]]
"""(path, with the key) to (status, header fields, JSON)."""


class Server:
    """A provider that answers as it is told, and remembers what it was asked."""

    def __init__(self, answers: Answers) -> None:
        self.answers = answers
        self.asked: list[tuple[str, bool]] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                given = KEY in " ".join(self.headers.values())
                server.asked.append((self.path, given))
                status, headers, document = server.answers.get((self.path, given), (401, {}, DENIED))
                body = json.dumps(document).encode()
                self.send_response(status)
                for name, value in {**headers, "Content-Length": str(len(body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *about: Any) -> None:
                """Say nothing."""

        self.http = HTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.http.serve_forever, args=(0.01,))
        self.thread.start()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.http.server_port}"

    def close(self) -> None:
        """Stop it."""
        self.http.shutdown()
        self.thread.join()
        self.http.server_close()


DENIED = {
    "error": {"message": "Incorrect API key provided.", "type": "invalid_request_error", "code": "invalid_api_key"}
}
MODELS = {"object": "list", "data": [{"id": "a"}, {"id": "b"}]}


@pytest.fixture
def serve(home: Path) -> Iterator[Callable[..., Server]]:
    """`serve(host, provider, answers)`: that host is our server from now on."""
    servers: list[Server] = []

    def make(host: str, provider: str, answers: Answers) -> Server:
        server = Server(answers)
        servers.append(server)
        (home / "config.yaml").write_text(
            f"language: en\nupstreams: [{{host: {host}, url: '{server.url}', provider: {provider}}}]\n"
        )
        return server

    yield make
    for server in servers:
        server.close()


def test_a_good_key(serve: Any, run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The key is good, whose it is, the limits in the headers, and what a chat subscription is not; no key is shown."""
    fields = {
        "openai-organization": "org-me",
        "x-ratelimit-limit-requests": "60",
        "x-ratelimit-remaining-requests": "59",
    }
    server = serve("api.openai.com", "openai", {("/v1/models", True): (200, fields, MODELS)})
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    done = run("check", "--provider", "openai")
    assert done.code == 0
    for words in (
        "accepts the key, and lists 2 models",
        "org-me",
        "requests per minute: 60, of which 59",
        "no API credit",
    ):
        assert words in done.out
    assert "only a real call can" in done.out
    assert KEY not in done.out + done.err
    assert server.asked == [("/v1/models", True), ("/v1/models", False)]


def test_a_damaged_journal(
    journal: tuple[str, str],  # noqa: F811
    serve: Any,
    run: Any,
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What the last call came to is left out; all that the provider says is told."""
    serve("api.openai.com", "openai", {("/v1/models", True): (200, {}, MODELS)})
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    assert "the last real call" in run("check", "--provider", "openai").out
    break_calls(home / "state" / "journal.db")
    done = run("check", "--provider", "openai")
    assert (done.code, "accepts the key" in done.out, "Traceback" in done.err) == (0, True, False)


def test_a_wrong_key(serve: Any, run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the provider says to a wrong key, in our words, with what to do; nothing more is claimed."""
    serve("api.openai.com", "openai", {})
    monkeypatch.setenv("OPENAI_API_KEY", "CANARY-wrong")
    done = run("check", "--provider", "openai")
    assert done.code == 1
    assert "key" in done.out
    assert "accepts the key" not in done.out
    assert "https://platform.openai.com" in done.out


def test_a_key_that_is_quoted(serve: Any, run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A provider that says the key in its refusal does not bring it into the terminal."""
    said = {"error": {"message": f"cannot use {KEY} here", "type": "invalid_request_error"}}
    serve("api.openai.com", "openai", {("/v1/models", True): (400, {}, said)})
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    done = run("check", "--provider", "openai")
    assert "cannot use" in done.out
    assert KEY not in done.out + done.err


def test_no_key(home: Path, run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a key nothing is asked; the variable is named."""
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    done = run("check", "--provider", "openai")
    assert (done.code, "OPENAI_API_KEY is not set" in done.out) == (1, True)


@pytest.mark.parametrize(("balance", "code", "words"), [("12.30", 0, "12.30 CNY"), ("0.00", 1, "add credit")])
def test_what_is_left(
    serve: Any, run: Any, monkeypatch: pytest.MonkeyPatch, balance: str, code: int, words: str
) -> None:
    """Where the provider tells the balance for nothing, it is told; an empty one is to mend."""
    infos = {"is_available": True, "balance_infos": [{"currency": "CNY", "total_balance": balance}]}
    answers: Answers = {("/models", True): (200, {}, MODELS), ("/user/balance", True): (200, {}, infos)}
    serve("api.deepseek.com", "deepseek", answers)
    monkeypatch.setenv("DEEPSEEK_API_KEY", KEY)
    done = run("check", "--provider", "deepseek")
    assert (done.code, words in done.out) == (code, True)


@pytest.mark.parametrize("good", [True, False])
def test_a_list_that_is_open_to_all(serve: Any, run: Any, monkeypatch: pytest.MonkeyPatch, good: bool) -> None:
    """A list that needs no key proves nothing; the account does."""
    answers: Answers = {("/api/v1/models", with_key): (200, {}, MODELS) for with_key in (True, False)}
    if good:
        answers["/api/v1/key", True] = (200, {}, {"data": {"limit_remaining": None}})
    serve("openrouter.ai", "openrouter", answers)
    monkeypatch.setenv("OPENROUTER_API_KEY", KEY)
    done = run("check", "--provider", "openrouter")
    assert "does not tell whether the key is good" in done.out
    assert ("no credit limit" in done.out) is good
    assert done.code == (0 if good else 1)


def test_odd_providers(home: Path, run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """An unknown name gets those that can be asked; where each customer has a host, it must be written down first."""
    done = run("check", "--provider", "opnai")
    assert (done.code, "openai" in done.err) == (1, True)
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", KEY)
    done = run("check", "--provider", "azure")
    assert (done.code, "upstreams:" in done.err) == (1, True)
