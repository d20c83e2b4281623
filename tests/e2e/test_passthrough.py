"""The real daemon between real curl and the sandbox: each API, streaming and not, paced, resent, explained."""

from __future__ import annotations

import json
import shutil
import subprocess
import threading
import time
from typing import Any

import pytest

from stage.world import APIS, CHATS, KEYS, Api, config

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(shutil.which("curl") is None, reason="curl is missing; install it: apt install curl"),
]


def curl(daemon: Any, *arguments: str) -> tuple[int, str, bytes]:
    """Run curl through the daemon's socket: status, header lines, body."""
    command = ["curl", "-q", "-sS", "-i", "--max-time", "60", "--unix-socket", str(daemon.socket), *arguments]
    done = subprocess.run(command, capture_output=True, timeout=90, check=False, env=daemon.env)
    head, _, body = done.stdout.partition(b"\r\n\r\n")
    assert head, done.stderr
    return int(head.split(b" ")[1]), head.decode(), body


@pytest.mark.parametrize("api", APIS, ids=lambda api: f"{api.provider}-{api.name}")
def test_success(sluice: Any, sandbox: Any, api: Api) -> None:
    """Each API answers as the provider does, and the request arrives with its key, path and body unchanged."""
    provider = sandbox()
    daemon = sluice(config(provider.url))
    status, _, body = curl(daemon, *api.curl("gpt-4o-mini"))
    assert status == 200, body
    seen = provider.seen[-1]
    assert KEYS[api.provider] in str(seen.headers)
    assert seen.target == api.url("gpt-4o-mini").partition("/v1")[1] + api.url("gpt-4o-mini").partition("/v1")[2]
    if api.name != "models":
        assert json.loads(seen.body) == api.body("gpt-4o-mini")


@pytest.mark.parametrize("api", CHATS, ids=lambda api: api.name)
def test_stream(sluice: Any, sandbox: Any, api: Api) -> None:
    """A stream passes byte for byte: what comes through the daemon is what comes directly, but for ids and times."""
    provider = sandbox()
    daemon = sluice(config(provider.url))
    text = "한국어 中文 🙂 done"
    status, head, body = curl(daemon, *api.curl("gpt-4o-mini", stream=True, text=text))
    assert status == 200
    assert "text/event-stream" in head
    assert b"data:" in body
    joined = body.decode()
    assert "한" in joined
    assert "🙂" in joined
    row = json.loads(daemon.run("calls", "last", "--json").stdout)
    assert row["state"] == "done"
    assert row["usage"]["output"] > 0


def test_burst_is_paced(sluice: Any, sandbox: Any) -> None:
    """12 calls at once against 6 a scaled minute: all are answered, each once. Of these two seconds a few milliseconds
    are much: where the machine takes them, the provider has to refuse one, and no more."""
    provider = sandbox(requests_per_minute=6, minute_s=2.0, tokens_per_minute=None)
    daemon = sluice(config(provider.url, minute_s=2.0))
    codes: list[int] = []

    def one(number: int) -> None:
        codes.append(curl(daemon, *CHATS[0].curl("gpt-4o-mini", text=f"number {number}"))[0])

    threads = [threading.Thread(target=one, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert codes == [200] * 12
    statuses = [seen.status for seen in provider.seen]
    assert statuses.count(200) == 12
    assert statuses.count(429) == len(statuses) - 12 <= 1


@pytest.mark.parametrize("api", CHATS, ids=lambda api: api.name)
def test_a_rate_429_in_spite_of_pacing_is_waited_out(sluice: Any, sandbox: Any, api: Api) -> None:
    """The provider refuses the first sending; the client sees one success, sent twice."""
    provider = sandbox(minute_s=2.0)
    daemon = sluice(config(provider.url, minute_s=2.0))
    status, head, body = curl(daemon, *api.curl("rate-limit-once"))
    assert status == 200, body
    assert "X-Sluice-Attempts: 2" in head
    assert [seen.status for seen in provider.seen] == [429, 200]


@pytest.mark.parametrize("api", CHATS, ids=lambda api: api.name)
def test_no_credit_comes_back_at_once(sluice: Any, sandbox: Any, api: Api) -> None:
    """insufficient_quota is sent once, keeps type and code, and says on one line that waiting will not help."""
    provider = sandbox()
    daemon = sluice(config(provider.url))
    status, head, body = curl(daemon, *api.curl("insufficient-quota"))
    error = json.loads(body)["error"]
    assert status in (400, 402, 429)
    assert len(provider.seen) == 1
    assert len(error["message"]) <= 150
    assert "Waiting will not help" in error["message"]
    assert "credit" in error["message"]
    assert error["sluice"]["subtype"] == "insufficient_quota"
    assert error["sluice"]["original"] != error["message"]
    assert head.split("\r\n")[0].isascii()
    if api.provider == "openai":
        assert (error["type"], error["code"]) == ("insufficient_quota", "insufficient_quota")


@pytest.mark.parametrize("model", ["html-429", "empty-429", "json-no-error-429", "string-429", "edge-blocked"])
def test_odd_bodies_become_the_providers_shape(sluice: Any, sandbox: Any, model: str) -> None:
    """HTML, nothing, a flat object, a string: the client gets an error object with a message, and the status stays."""
    provider = sandbox(minute_s=0.6)
    daemon = sluice(config(provider.url, minute_s=0.6, more="queue: {max_wait: 1s}\nretry: {rate_tries: 1}\n"))
    status, head, body = curl(daemon, *CHATS[0].curl(model))
    assert status >= 400
    assert "application/json" in head
    error = json.loads(body)["error"]
    assert isinstance(error["message"], str)
    assert error["message"]
    assert "\n" not in error["message"]


def test_a_cut_stream_is_never_whole(sluice: Any, sandbox: Any) -> None:
    """When the provider's stream breaks, so does the client's connection, and the journal says truncated."""
    provider = sandbox()
    daemon = sluice(config(provider.url))
    arguments = CHATS[0].curl("cut-stream", stream=True)
    command = ["curl", "-q", "-sS", "-N", "--max-time", "30", "--unix-socket", str(daemon.socket), *arguments]
    done = subprocess.run(command, capture_output=True, timeout=60, check=False, env=daemon.env)
    assert done.returncode == 18, done.stderr  # CURLE_PARTIAL_FILE
    assert b"data:" in done.stdout
    row = json.loads(daemon.run("calls", "last", "--json").stdout)
    assert (row["state"], row["subtype"]) == ("failed", "truncated")


def test_a_client_that_leaves_while_queued_sends_nothing(sluice: Any, sandbox: Any) -> None:
    """The second of two calls waits a minute; its client goes away; the provider never hears of it."""
    provider = sandbox(requests_per_minute=1, minute_s=60.0, tokens_per_minute=None)
    daemon = sluice(config(provider.url, limits="[{requests: 1, per: minute}]"))
    assert curl(daemon, *CHATS[0].curl("gpt-4o-mini"))[0] == 200
    command = ["curl", "-q", "-sS", "--unix-socket", str(daemon.socket), *CHATS[0].curl("gpt-4o-mini", text="second")]
    waiting = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=daemon.env)
    assert until(lambda: len(status_of(daemon)["queue"]) == 1)
    waiting.terminate()
    waiting.wait(10)
    assert until(lambda: not status_of(daemon)["queue"])
    assert len(provider.seen) == 1


def test_a_client_that_leaves_mid_stream_closes_the_provider(sluice: Any, sandbox: Any) -> None:
    """curl is ended in the middle of a long stream; the sandbox sees its connection closed."""
    provider = sandbox(chunk_s=0.05)
    daemon = sluice(config(provider.url))
    arguments = CHATS[0].curl("long-200", stream=True)
    command = ["curl", "-q", "-sS", "-N", "--unix-socket", str(daemon.socket), *arguments]
    reading = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=daemon.env)
    assert reading.stdout is not None
    assert reading.stdout.readline()
    reading.terminate()
    reading.wait(10)
    reading.stdout.close()
    assert until(lambda: provider.seen[-1].closed_by_client)
    assert until(lambda: status_of(daemon)["daemon"]["running"] == 0)


def test_an_unknown_host_is_refused_with_the_line_that_allows_it(sluice: Any) -> None:
    """A host that nobody configured gets no connection, and the message says what to write where."""
    daemon = sluice()
    status, _, body = curl(daemon, "http://relay.example.net/v1/models")
    assert status == 404
    assert "upstreams: [{host: 'relay.example.net'" in json.loads(body)["error"]["message"]


def test_route_in_the_path(sluice: Any, sandbox: Any) -> None:
    """`/to/HOST/...` is the same call for clients that cannot set Host."""
    provider = sandbox()
    daemon = sluice(config(provider.url))
    status, _, _ = curl(daemon, "-H", CHATS[0].key_header(), "http://localhost/to/api.openai.com/v1/models?a=b%20c")
    assert status == 200
    assert provider.seen[-1].target == "/v1/models?a=b%20c"


def test_deadline(sluice: Any, sandbox: Any) -> None:
    """A call that cannot go before its deadline is answered at once, with the time at which it could go."""
    provider = sandbox(tokens_per_minute=None)
    daemon = sluice(config(provider.url, limits="[{requests: 1, per: minute}]"))
    assert curl(daemon, *CHATS[0].curl("gpt-4o-mini"))[0] == 200
    began = time.monotonic()
    status, head, body = curl(daemon, "-H", "X-Sluice-Deadline: 1", *CHATS[0].curl("gpt-4o-mini"))
    assert time.monotonic() - began < 10
    assert status == 504, body
    assert 1 < int(head.lower().partition("retry-after: ")[2].split("\r\n")[0]) <= 61


def status_of(daemon: Any) -> Any:
    """`/_sluice/status`."""
    return json.loads(curl(daemon, "http://localhost/_sluice/status")[2])


def until(true: Any, timeout_s: float = 15.0) -> bool:
    """Ask again and again until TRUE or the time is up; the last answer."""
    ends = time.monotonic() + timeout_s
    while not true() and time.monotonic() < ends:
        threading.Event().wait(0.05)
    return bool(true())
