"""Is it a success?"""

from __future__ import annotations

import asyncio
import gzip
import json
from typing import Any

from daemon.errors import TooLarge
from daemon.gateway.inspect import ERROR_BODY_LIMIT, Opened, error_body, failure_in, look_inside, too_large
from daemon.model import Call, Failure
from gateway.scripted import DONE, SSE, Answer, World, chat_answer, event, ok, virtual

ERROR = b'{"error":{"message":"Too fast","code":429}}'


async def looked(answer: Answer, **more: Any) -> Opened | Failure:
    """What is found in ANSWER to a call."""
    call = World(answer).call(**more)
    answer.call = call
    return await look_inside(call, answer)


def a_call() -> Call:
    """A call to OpenAI."""
    return World(ok()).call()


@virtual
async def test_a_plain_success_is_read_whole() -> None:
    """It is small, so an error could hide in it; nothing of it is lost."""
    opened = await looked(ok(b"\n", chat_answer()[:9], chat_answer()[9:]))
    assert isinstance(opened, Opened)
    assert opened.first == b"\n" + chat_answer()
    assert [chunk async for chunk in opened.rest] == []


@virtual
async def test_of_a_stream_only_the_first_event_is_read() -> None:
    """What follows stays in the connection."""
    opened = await looked(ok(b"data:", event("Hi")[5:], DONE, headers=SSE), stream=True)
    assert isinstance(opened, Opened)
    assert opened.first == event("Hi")
    assert [chunk async for chunk in opened.rest] == [DONE]


@virtual
async def test_other_calls_are_not_held() -> None:
    """A file is passed on from its first bytes."""
    never = asyncio.Event()
    opened = await looked(ok(b"%PDF", never), method="GET", target="/v1/files/1/content", body=b"")
    assert isinstance(opened, Opened)
    assert opened.first == b"%PDF"


@virtual
async def test_failures() -> None:
    """A status, an error inside, a redirect of a POST, a cut."""
    for answer, status in [
        (Answer(500, (), ERROR), 500),
        (ok(ERROR), 429),
        (ok(b"data: " + ERROR + b"\n\n", headers=SSE), 429),
        (Answer(302, ()), 302),
        (Answer(101, ()), 101),
    ]:
        failure = await looked(answer, stream=answer.headers is SSE)
        assert isinstance(failure, Failure)
        assert (failure.status, failure.sent, failure.fault) == (status, True, None)
    cut = await looked(ok(b"{", "idle_timeout"))
    assert isinstance(cut, Failure)
    assert cut.fault == "idle_timeout"


@virtual
async def test_error_bodies() -> None:
    """Unpacked, at most so much, and what there is of one that is cut."""
    packed = gzip.compress(ERROR)
    for pieces, headers, body in [
        ((packed[:9], packed[9:]), (("Content-Encoding", "gzip"),), ERROR),
        ((ERROR, "truncated"), (), ERROR),
        ((b"x" * ERROR_BODY_LIMIT, b"y"), (), b"x" * ERROR_BODY_LIMIT),
        ((), (), b""),
    ]:
        answer = Answer(500, headers, *pieces)
        answer.call = a_call()
        assert await error_body(answer) == body


@virtual
async def test_failure_in() -> None:
    """Whom we asked for what is in it."""
    failure = failure_in(a_call(), Answer(500, (("A", "1"),)), b"x", 429)
    assert (failure.status, failure.headers, failure.body) == (429, (("A", "1"),), b"x")
    assert (failure.host, failure.provider, failure.model) == ("api.openai.com", "openai", "gpt-4o")


@virtual
async def test_too_large() -> None:
    """The pacer's facts, in a finding that nobody was asked for."""
    refusal = TooLarge("needs 9 of 5 tokens", dimension="tokens", window="minute", limit=5.0, requested=9.0, other=1)
    finding = too_large(a_call(), refusal)
    assert (finding.subtype, finding.retry, finding.status) == ("request_too_large", "change", 429)
    assert (finding.dimension, finding.window, finding.limit, finding.requested) == ("tokens", "minute", 5.0, 9.0)
    assert finding.original == "needs 9 of 5 tokens"
    json.dumps(finding.evidence)
