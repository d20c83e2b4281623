"""The sandbox as a provider: limits, faults, raw bytes, clients that leave."""

from __future__ import annotations

import asyncio
import io
import json
import re
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from daemon.errors import ConfigError
from daemon.sandbox import Sandbox, SandboxSettings
from daemon.sandbox.server import need_safe_parser


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


async def test_limits_refuse_and_waiting_clears(serve: Any):
    """Three a minute: the fourth is told to wait a third of a minute, and after that it passes."""
    clock = Clock()
    client = await serve(clock, requests_per_minute=3)
    assert [(await client.ask("chat", "gpt-4o"))[0] for _ in range(3)] == [200] * 3
    status, headers, body = await client.ask("chat", "gpt-4o")
    assert (status, headers["retry-after"], headers["retry-after-ms"]) == (429, "20", "20000")
    assert headers["x-ratelimit-remaining-requests"] == "0"
    assert "Limit 3, Used 3, Requested 1. Please try again in 20s." in json.loads(body)["error"]["message"]
    clock.now += 20
    assert (await client.ask("chat", "gpt-4o"))[0] == 200
    assert client.sandbox.counts() == {"200": 4, "429": 1}


async def test_headers_count_down(serve: Any):
    """Remaining and reset are those of the moment of admission."""
    client = await serve(Clock(), requests_per_minute=60, tokens_per_minute=1000)
    _, headers, _ = await client.ask("chat", "gpt-4o", text="x" * 40, max_tokens=90)
    got = {name: headers[f"x-ratelimit-{name}"] for name in ("remaining-requests", "remaining-tokens", "reset-tokens")}
    assert got == {"remaining-requests": "59", "remaining-tokens": "900", "reset-tokens": "6s"}


async def test_headers_stamped_at_the_end_show_later_calls(serve: Any):
    """The quirk: figures of the answer's end, not of its admission."""
    for quirk, left in ((None, {"59", "58"}), ("stamped_at_end", {"58"})):
        client = await serve(Clock(), requests_per_minute=60, service_s=0.1, header_quirk=quirk)
        answers = await asyncio.gather(*(client.ask("chat", "gpt-4o") for _ in range(2)))
        assert {headers["x-ratelimit-remaining-requests"] for _, headers, _ in answers} == left


@pytest.mark.parametrize("api", ["chat", "messages", "generate"])
async def test_bare_429s_tell_nothing(serve: Any, api: str):
    """No limit headers, no retry-after, no figures."""
    client = await serve(Clock(), requests_per_minute=1, bare_429=True)
    await client.ask(api, "m")
    status, headers, body = await client.ask(api, "m")
    assert status == 429
    assert not any("ratelimit" in name.lower() or "retry" in name.lower() for name in headers)
    text = re.sub(r"req_\w+|429", "", body.decode())
    assert not re.search(r"\d", text)


async def test_headers_and_retry_after_can_be_off(serve: Any):
    """For providers that send none."""
    client = await serve(Clock(), requests_per_minute=1, headers=False, retry_after=False)
    await client.ask("chat", "m")
    _, headers, _ = await client.ask("chat", "m")
    assert not any("ratelimit" in name.lower() or "retry" in name.lower() for name in headers)


async def test_keys_have_their_own_limits(serve: Any):
    """Unless one account is configured."""
    for per_key, second in ((True, 200), (False, 429)):
        client = await serve(Clock(), requests_per_minute=1, per_key=per_key)
        assert (await client.ask("chat", "m", key="Bearer CANARY-1"))[0] == 200
        assert (await client.ask("chat", "m", key="Bearer CANARY-2"))[0] == second


async def test_concurrency_counts_streams_to_their_end(serve: Any):
    """A second call while a stream runs is refused; after the stream it passes."""
    client = await serve(concurrency=1, chunk_s=0.01)
    async with client.request("chat", "long-20", stream=True) as response:
        await response.content.readany()
        assert (await client.ask("chat", "m"))[0] == 429
        await response.read()
    assert (await client.ask("chat", "m"))[0] == 200


async def test_quota_ends_for_good(serve: Any):
    """After two accepted calls everything is insufficient_quota."""
    client = await serve(quota_after=2)
    answers = [await client.json("chat", "m") for _ in range(4)]
    assert [status for status, _ in answers] == [200, 200, 429, 429]
    assert answers[3][1]["error"]["code"] == "insufficient_quota"


async def test_faults_are_seeded(serve: Any):
    """The same seed gives the same faults; their rates are about right."""
    runs = []
    for _ in range(2):
        client = await serve(faults={503: 0.2, 500: 0.2}, seed=7)
        runs.append([(await client.ask("chat", "m"))[0] for _ in range(100)])
    assert runs[0] == runs[1]
    assert 8 <= runs[0].count(503) <= 32
    assert 8 <= runs[0].count(500) <= 32


async def test_resets_are_counted_as_accepted(serve: Any):
    """The provider has taken the call, the client only sees a reset."""
    client = await serve(reset_rate=1.0)
    with pytest.raises(aiohttp.ClientError):
        await client.ask("chat", "m")
    assert client.sandbox.accepted == 1
    assert (client.sandbox.seen[-1].status, client.sandbox.seen[-1].trouble) == (None, "reset")


@pytest.mark.parametrize("api", ["chat", "responses", "messages", "generate"])
async def test_a_rate_trick_clears_and_once_passes(serve: Any, api: str):
    """One 429, and the same body passes after the wait; with -once at the next attempt."""
    clock = Clock()
    client = await serve(clock)
    assert (await client.ask(api, "requests-per-minute"))[0] == 429
    assert (await client.ask(api, "requests-per-minute"))[0] == 429
    clock.now += 3.0
    assert (await client.ask(api, "requests-per-minute"))[0] == 200
    assert [(await client.ask(api, "rate-limit-once"))[0] for _ in range(2)] == [429, 200]
    assert [(await client.ask(api, "overloaded-once"))[0] for _ in range(2)] == [503 + 26 * (api == "messages"), 200]
    with pytest.raises(aiohttp.ClientError):
        await client.ask(api, "reset-once")
    assert (await client.ask(api, "reset-once"))[0] == 200


async def raw(path: Path, request: bytes) -> bytes:
    """Send bytes to a Unix socket and return all that comes."""
    reader, writer = await asyncio.open_unix_connection(path)
    writer.write(request)
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer


async def test_bytes_are_remembered_as_they_came(tmp_path: Path):
    """Target, header order, case and duplicates, and a gzip body that is not unpacked; over a Unix socket."""
    sandbox = Sandbox(SandboxSettings(service_s=0))
    await sandbox.start(path=tmp_path / "s")
    body = b"\x1f\x8b\x00not-gzip\xff"
    target = b"/v1//chat/%63ompletions?a=%20b&&c=+#x"
    head = (
        b"POST "
        + target
        + b" HTTP/1.1\r\nHOST: api.openai.com\r\nx-B: 1\r\nX-a:  two words \r\nx-B: 2\r\nContent-Encoding: gzip\r\n"
    )
    await raw(tmp_path / "s", head + b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
    await sandbox.stop()
    (seen,) = sandbox.seen
    assert (seen.method, seen.target.encode(), seen.body) == ("POST", target, body)
    assert seen.headers[:5] == (
        (b"HOST", b"api.openai.com"), (b"x-B", b"1"), (b"X-a", b"two words"), (b"x-B", b"2"),
        (b"Content-Encoding", b"gzip"),
    )  # fmt: skip


async def test_large_bodies_are_accepted(serve: Any):
    """Images and long contexts are more than a mebibyte."""
    client = await serve()
    body = {"model": "long-1", "messages": [{"role": "user", "content": "x" * 3_000_000}]}
    data = io.BytesIO(json.dumps(body).encode())
    async with client.session.post(client.url + "/v1/chat/completions", data=data) as response:
        assert response.status == 200
    assert client.sandbox.seen[-1].body == data.getvalue()


async def test_a_client_that_leaves_is_noticed(serve: Any):
    """While it waits for the answer."""
    client = await serve(service_s=5.0)
    task = asyncio.create_task(client.ask("chat", "m"))
    await client.until(lambda seen: seen.admitted is not None)
    task.cancel()
    seen = await client.until(lambda seen: seen.ended is not None)
    assert (seen.closed_by_client, seen.status) == (True, None)
    assert "0 running" in repr(client.sandbox)


async def test_bad_requests_get_the_apis_own_error(serve: Any):
    """Bad JSON, no model, an unknown path."""
    client = await serve()
    async with client.session.post(client.url + "/v1/messages", data=b"{") as response:
        assert (response.status, (await response.json())["error"]["type"]) == (400, "invalid_request_error")
    async with client.session.post(client.url + "/v1/chat/completions", json={}) as response:
        assert (response.status, (await response.json())["error"]["type"]) == (400, "invalid_request_error")
    async with client.session.put(client.url + "/v1/nothing") as response:
        assert "Invalid URL (PUT /v1/nothing)" in (await response.json())["error"]["message"]


async def test_only_so_many_requests_are_kept(serve: Any):
    """The oldest go first."""
    client = await serve(keep=3)
    for number in range(5):
        await client.ask("chat", f"m{number}")
    assert [seen.model for seen in client.sandbox.seen] == ["m2", "m3", "m4"]


async def test_stopping_twice_and_starting_again(tmp_path: Path):
    """The address is free again; what was seen stays until reset."""
    sandbox = Sandbox()
    url = await sandbox.start()
    await sandbox.stop()
    await sandbox.stop()
    assert await sandbox.start(port=int(url.rsplit(":", 1)[1])) == url
    await sandbox.stop()


def test_the_safe_parser_is_needed() -> None:
    """It does not listen on the parser in pure Python, and the refusal says how to have the other one."""
    need_safe_parser()
    with pytest.raises(ConfigError, match="pip install --force-reinstall aiohttp"):
        need_safe_parser({"aiohttp.http_parser": 1})
