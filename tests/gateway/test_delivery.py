"""Successes on their way to the client: what it gets, and what their ends say."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json

import pytest

from daemon.model import Usage
from daemon.upstream import StreamCut
from gateway.scripted import (
    SSE,
    STREAM,
    Answer,
    World,
    body_of,
    chat_answer,
    error,
    event,
    ok,
    rate_limited,
    virtual,
)


@virtual
async def test_a_stream() -> None:
    """Chunks come as they are sent, the leading ones together; the end is a proper end."""
    world = World(ok(b"data: {}", b"\n\n", *STREAM, headers=SSE))
    reply = await world.gateway.send(world.call(stream=True))
    assert await anext(reply.chunks) == b"data: {}\n\n"
    assert await anext(reply.chunks) == STREAM[0]
    await asyncio.sleep(0)
    assert world.kinds()[-1] == "first_byte"
    assert world.in_flight() == 1
    assert await body_of(reply) == b"".join(STREAM[1:])
    assert world.last().kind == "done"
    assert world.in_flight() == 0


@virtual
async def test_usage_of_a_stream_that_reports_none() -> None:
    """It is counted from the text that passed, and marked as an estimate."""
    world = World(ok(*STREAM, headers=SSE))
    await world.send(stream=True)
    usage = world.last().usage
    assert usage is not None
    assert usage.output > 0
    assert not usage.reported


@virtual
async def test_a_call_ends_though_we_break_over_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told in the log; the client has its answer, and nothing waits for the call any more."""

    def broken(*about: object) -> None:
        raise RuntimeError

    monkeypatch.setattr("daemon.gateway.delivery.failure_inside", broken)
    world = World(ok(chat_answer()))
    assert (await world.send())[0].status == 200
    assert (world.last().kind, world.last().status, world.in_flight()) == ("done", 200, 0)
    assert not world.gateway.running


@virtual
async def test_a_plain_body_is_unchanged() -> None:
    """Leading line feeds, odd spaces, non-ASCII bytes: all stay."""
    raw = b'\n\n {"choices" : [{"message":{"content":"\xc3\xa9"}}]}\r\n'
    world = World(ok(raw[:3], raw[3:9], raw[9:]))
    assert (await world.send())[1] == raw


@virtual
async def test_a_compressed_answer_is_unchanged_and_read() -> None:
    """The client gets the packed bytes; usage is read from a copy."""
    packed = gzip.compress(chat_answer())
    world = World(ok(packed, headers=(("Content-Encoding", "gzip"),)))
    assert (await world.send())[1] == packed
    usage = world.last().usage
    assert usage is not None
    assert usage.input == 9


@virtual
async def test_the_answer_for_the_journal_is_never_compressed() -> None:
    """It gets the unpacked copy, in which keys are seen; nothing of an answer in a coding that nobody knows here."""
    packed = gzip.compress(chat_answer())
    for coding, kept in (("gzip", chat_answer()), ("br", None), ("gzip, br", None)):
        world = World(ok(packed, headers=(("Content-Encoding", coding),)))
        assert (await world.send())[1] == packed
        assert world.last().body == kept


@virtual
async def test_a_201_of_a_chat_becomes_200() -> None:
    """gptel takes any other 2xx for an error; other paths keep their status."""
    made = Answer(201, (), chat_answer())
    assert (await World(made).send())[0].status == 200
    assert (await World(Answer(202, (), b"{}")).send(target="/v1/files", body=b"x"))[0].status == 202
    assert (await World(Answer(204, ())).send(target="/v1/files/1", method="DELETE", body=b""))[0].status == 204


@virtual
async def test_a_cut_stream() -> None:
    """The cut comes through to the door, and the journal hears `truncated`."""
    world = World(ok(event("Hel"), "truncated", headers=SSE))
    reply = await world.gateway.send(world.call(stream=True))
    with pytest.raises(StreamCut):
        await body_of(reply)
    final = world.last()
    assert final.kind == "failed"
    assert final.explanation is not None
    assert final.explanation.finding.subtype == "truncated"
    assert world.in_flight() == 0


@virtual
async def test_an_error_in_mid_stream() -> None:
    """The bytes go on as they came, since they have begun; the journal hears of a failure."""
    pieces = (event("Hel"), b'data: {"error":{"message":"Overloaded","type":"server_error"}}\n\n')
    world = World(ok(*pieces, headers=SSE))
    reply, body = await world.send(stream=True)
    assert (reply.status, body) == (200, b"".join(pieces))
    final = world.last()
    assert (final.kind, final.final) == ("failed", True)
    assert final.explanation is not None


@virtual
@pytest.mark.parametrize("how", ["cut", "left", "no mark", "error"])
async def test_what_a_stream_used_that_did_not_end_well(how: str) -> None:
    """The text that passed was paid for: its end says how much it was, as an estimate. Also when the provider has told
    of the question alone so far."""
    pieces = {
        "cut": ("truncated",), "left": (asyncio.Event(),), "no mark": (),
        "error": (b'data: {"error": {"message": "Oops", "type": "server_error"}}\n\n',),
    }[how]  # fmt: skip
    for begins, told in ((event("Hello, this is a text"), None), (_with_usage("Hello, this is a text", 9, 1), 9)):
        world = World(ok(begins, *pieces, headers=SSE))
        reply = await world.gateway.send(world.call(stream=True))
        assert await anext(reply.chunks) == begins
        if how == "left":
            await reply.chunks.aclose()  # type: ignore[attr-defined]
        else:
            with contextlib.suppress(StreamCut):
                await body_of(reply)
        end = world.last()
        assert end.kind == ("cancelled" if how == "left" else "failed")
        assert end.usage is not None
        assert (end.usage.reported, end.usage.output > 3) == (False, True)
        assert end.usage.input == (told or round(reply.call.estimate.input))


def _with_usage(text: str, prompt: int, completion: int) -> bytes:
    """One event of a stream that tells the usage as it goes."""
    row = json.loads(event(text).removeprefix(b"data: "))
    row["usage"] = {"prompt_tokens": prompt, "completion_tokens": completion}
    return b"data: " + json.dumps(row).encode() + b"\n\n"


@virtual
@pytest.mark.parametrize("came", [(), (b"data:",), (b": OPENROUTER PROCESSING\n\n",)])
async def test_a_question_that_was_sent_was_read(came: tuple[bytes, ...]) -> None:
    """A client that leaves before any text has come has used its question: the provider reads that first."""
    world = World(ok(*came, asyncio.Event(), headers=SSE) if came else asyncio.Event())
    task = asyncio.create_task(world.send(stream=True))
    await world.upstream.asked.wait()
    for _ in range(5):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    left = world.last()
    assert (left.kind, left.usage) == ("cancelled", Usage(input=round(left.call.estimate.input), reported=False))
    assert left.usage is not None
    assert left.usage.input > 0


@virtual
async def test_what_is_no_question_used_nothing() -> None:
    """Who leaves while a list of models is waited for has used no tokens; nor has a call that was refused."""
    world = World(asyncio.Event())
    task = asyncio.create_task(world.gateway.send(world.call(method="GET", target="/v1/models", body=b"")))
    await world.upstream.asked.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert (world.last().kind, world.last().usage) == ("cancelled", None)
    world = World(error(400, "no", kind="invalid_request_error"))
    await world.send(stream=True)
    assert (world.last().kind, world.last().usage) == ("failed", None)


@virtual
async def test_who_leaves_before_the_second_attempt_has_used_nothing() -> None:
    """The first was refused, and the call waits for its next turn: nothing of it is on its way."""
    world = World(rate_limited("9"), ok())
    task = asyncio.create_task(world.send())
    await asyncio.sleep(3)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert len(world.upstream.sent) == 1
    assert (world.last().kind, world.last().usage) == ("cancelled", None)


@virtual
async def test_a_stream_that_ends_without_its_mark() -> None:
    """The client's bytes are the provider's; but the call did not succeed."""
    world = World(ok(event("Hel"), headers=SSE))
    _, body = await world.send(stream=True)
    assert body == event("Hel")
    final = world.last()
    assert final.explanation is not None
    assert final.explanation.finding.subtype == "truncated"


@virtual
async def test_leaving_in_mid_stream() -> None:
    """The provider's connection is closed, the permit given back, and that is told."""
    answer = ok(event("Hel"), asyncio.Event(), headers=SSE)
    world = World(answer)
    reply = await world.gateway.send(world.call(stream=True))
    assert await anext(reply.chunks) == event("Hel")
    await reply.chunks.aclose()  # type: ignore[attr-defined]
    assert answer.closed == 1
    assert (world.last().kind, world.last().reason, world.in_flight()) == ("cancelled", "the client left", 0)
