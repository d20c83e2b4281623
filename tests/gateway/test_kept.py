"""The cache as calls see it: only whole successes are kept, and given only to the same question with the same key."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
from pathlib import Path
from typing import Any

import pytest

from daemon.cache import Answer as Stored
from daemon.cache import AnswerCache
from daemon.errors import Cancelled
from daemon.gateway import Rules, Wish
from daemon.gateway.kept import pieces
from daemon.model import Limit, Origin, Way
from daemon.upstream import StreamCut
from gateway.scripted import (
    DONE,
    EPOCH,
    JSON,
    KEY,
    SSE,
    STREAM,
    Answer,
    World,
    chat_answer,
    error,
    limited,
    ok,
    virtual,
)


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk is asked in this thread: virtual time knows no other."""

    async def direct(work: Any, *args: Any) -> Any:
        return work(*args)

    monkeypatch.setattr(asyncio, "to_thread", direct)


def world(folder: Path, *outcomes: Any, **more: Any) -> World:
    """A gateway whose calls use the cache."""
    clock = asyncio.get_running_loop().time
    cache = AnswerCache(folder, max_age_s=3600, max_bytes=1 << 20, max_body=1 << 16, clock=lambda: EPOCH + clock())
    return World(*outcomes, rules=more.pop("rules", Rules(cache=True)), cache=cache, **more)


def kept(folder: Path) -> list[Path]:
    """The files of the answers."""
    return sorted((folder / "answers").glob("*.answer"))


def said(reply: Any) -> str | None:
    """What the answer says of the cache."""
    return dict(reply.headers).get("X-Sluice-Cache")


@virtual
async def test_the_second_time_it_is_kept(tmp_path: Path) -> None:
    """Same bytes, no request and no permit; its row says whose answer it was, and counts no tokens."""
    at = world(tmp_path, ok(headers=(("Content-Type", "application/json"), ("x-ratelimit-remaining-requests", "3"),
                                    ("Set-Cookie", "a=b"), ("openai-model", "m"))))  # fmt: skip
    first, body = await at.send()
    await asyncio.sleep(100)
    second, again = await at.send()
    assert (said(first), said(second)) == ("miss", "hit; age=100")
    assert body == again == chat_answer()
    assert len(at.upstream.sent) == 1
    assert dict(second.headers) == {
        "Content-Type": "application/json",
        "openai-model": "m",
        "X-Sluice-Call": second.call.id,
        "X-Sluice-Attempts": "0",
        "X-Sluice-Cache": "hit; age=100",
    }
    assert at.kinds(second.call) == ["queued", "joined", "first_byte", "done"]
    done = at.last()
    assert done.usage is not None
    assert (done.usage.total, done.bytes_out) == (0, len(body))
    joined = next(one for one in at.events if one.kind == "joined")
    assert joined.company is not None
    assert (joined.company.how, joined.company.call) == ("cache", first.call.id)
    assert at.gateway.sharing()["cached"] == 1


@pytest.mark.parametrize("by_name", [True, False])
@virtual
async def test_it_ends_while_the_disk_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by_name: bool) -> None:
    """Somebody cancels it, or its client leaves: it ends then, is told of, and is not sent."""
    at = world(tmp_path, ok())

    async def slow(work: Any, *args: Any) -> Any:
        await asyncio.Event().wait()

    monkeypatch.setattr(asyncio, "to_thread", slow)
    call = at.call(ref="mine")
    task = asyncio.create_task(at.gateway.send(call))
    await asyncio.sleep(1)
    assert list(at.gateway.running) == [call.id]
    assert at.gateway.cancel("mine") if by_name else task.cancel()
    with pytest.raises(Cancelled if by_name else asyncio.CancelledError) as told:
        await task
    assert "provider" not in str(told.value)
    assert (at.last().kind, at.upstream.sent) == ("cancelled", [])


@virtual
async def test_it_is_kept_before_the_last_piece(tmp_path: Path) -> None:
    """Who has read as much as the length says may ask again at once; a stream is not held back."""
    at = world(tmp_path, ok(chat_answer()[:9], chat_answer()[9:]), ok(*STREAM, headers=SSE))
    reply = await at.gateway.send(at.call())
    assert await anext(reply.chunks) == chat_answer()
    assert len(kept(tmp_path)) == 1
    gate = asyncio.Event()
    at.upstream.outcomes[1] = ok(STREAM[0], gate, *STREAM[1:], headers=SSE)
    reply = await at.gateway.send(at.call(stream=True))
    assert await anext(reply.chunks) == STREAM[0]
    await reply.chunks.aclose()  # type: ignore[attr-defined]


@virtual
async def test_it_waits_for_no_limit(tmp_path: Path) -> None:
    """A used-up limit does not hold up what need not be sent."""
    at = world(tmp_path, ok(), origin=limited(Limit("requests", 1, 60.0, "minute")))
    await at.send()
    began = asyncio.get_running_loop().time()
    await at.send()
    assert asyncio.get_running_loop().time() - began < 0.1


@pytest.mark.parametrize("way", [Way("work", None, "KEY_WORK"), Way("a", "https://a.example.com")])
@virtual
async def test_by_whatever_way_it_went(tmp_path: Path, way: Way) -> None:
    """A key or endpoint that was chosen for the first call is none of the question: the second one has its answer. The
    key is not in the files."""
    key = "CANARY-work-0123456789"
    at = world(tmp_path, ok(), origin=Origin("api.openai.com", "https://api.openai.com", "openai", ways=(way,)),
               key_of={"KEY_WORK": key}.get)  # fmt: skip
    replies = [(await at.send(headers=JSON))[0] for _ in range(2)]
    assert [said(reply) for reply in replies] == ["miss", "hit; age=0"]
    assert len(at.upstream.sent) == 1
    assert key.encode() not in kept(tmp_path)[0].read_bytes()


@virtual
async def test_a_stream_is_given_again_as_a_stream(tmp_path: Path) -> None:
    """Event by event; the plain form of the same question is another one."""
    at = world(tmp_path, ok(*STREAM, headers=SSE), ok())
    await at.send(stream=True)
    reply = await at.gateway.send(at.call(stream=True))
    assert [chunk async for chunk in reply.chunks] == list(STREAM)
    assert said((await at.send())[0]) == "miss"


@pytest.mark.parametrize(
    "other",
    [
        {"headers": (("Authorization", "Bearer CANARY-other-key-0123456789"), ("Content-Type", "application/json"))},
        {"headers": (("Authorization", f"Bearer {KEY}"), ("OpenAI-Beta", "x"), ("Content-Type", "application/json"))},
        {"model": "gpt-4"},
        {"target": "/v1/chat/completions?a=1"},
        {"host": "api.anthropic.com"},
    ],
)
def test_another_question_is_asked(tmp_path: Path, other: dict[str, Any]) -> None:
    """Another key above all; another field, model, target, host."""

    @virtual
    async def main() -> None:
        at = world(tmp_path, ok())
        await at.send()
        assert said((await at.send(**other))[0]) == "miss"
        assert len(at.upstream.sent) == 2

    main()


@pytest.mark.parametrize(
    ("outcome", "stream"),
    [
        (error(400, "bad", kind="invalid_request_error"), False),
        (ok(b'{"error": {"message": "no", "type": "overloaded_error"}}'), False),
        (ok(*STREAM[:2], "truncated", headers=SSE), True),
        (ok(*STREAM[:2], headers=SSE), True),
        (ok(STREAM[0], b'data: {"error": {"message": "no"}}\n\n', DONE, headers=SSE), True),
        (Answer(201, (), b"{}"), True),
        (ok(b'{"choices": [{"message": {"content": "' + b"x" * (1 << 16) + b'"}}]}'), False),
        (ok(chat_answer(f"your key is {KEY}")), False),
        (ok(gzip.compress(chat_answer(f"your key is {KEY}")), headers=(("Content-Encoding", "gzip"),)), False),
        (ok(gzip.compress(chat_answer("x" * (5 << 20) + KEY)), headers=(("Content-Encoding", "gzip"),)), False),
        (ok(chat_answer("packed"), headers=(("Content-Encoding", "br"),)), False),
        (ok(gzip.compress(chat_answer())[:-4] + b"else", headers=(("Content-Encoding", "gzip"),)), False),
    ],
    ids=[
        "error",
        "hidden",
        "cut",
        "no mark",
        "error event",
        "201",
        "large",
        "key",
        "packed key",
        "packed and large",
        "another coding",
        "packed wrongly",
    ],
)
def test_what_is_not_kept(tmp_path: Path, outcome: Answer, stream: bool) -> None:
    """Errors, errors behind a 200, cut streams, what is too large, what a key stands in, also a packed one, and what
    cannot be unpacked to see whether there is one."""

    @virtual
    async def main() -> None:
        at = world(tmp_path, outcome)
        with contextlib.suppress(StreamCut):
            await at.send(stream=stream)
        assert kept(tmp_path) == []
        assert at.gateway.kept._ends == {}

    main()


@virtual
async def test_who_leaves_early_keeps_nothing(tmp_path: Path) -> None:
    """Half an answer is none; one that is shared goes on to its end for those who wait, and is kept."""
    at = world(tmp_path, ok(*STREAM, headers=SSE))
    reply = await at.gateway.send(at.call(stream=True))
    await anext(reply.chunks)
    await reply.chunks.aclose()  # type: ignore[attr-defined]
    assert kept(tmp_path) == []
    both = Wish(coalesce=True)
    first, second = [await at.gateway.send(at.call(stream=True, wish=both)) for _ in range(2)]
    await first.chunks.aclose()  # type: ignore[attr-defined]
    assert b"".join([chunk async for chunk in second.chunks]) == b"".join(STREAM)
    assert len(kept(tmp_path)) == 1


@virtual
async def test_the_call_decides(tmp_path: Path) -> None:
    """on without the setting, off in spite of it; refresh asks again and keeps the new one."""
    at = world(tmp_path, ok(chat_answer("one")), ok(chat_answer("two")), rules=Rules())
    assert said((await at.send())[0]) is None
    assert kept(tmp_path) == []
    on, fresh = Wish(cache="on"), Wish(cache="refresh")
    assert said((await at.send(wish=on))[0]) == "miss"
    assert (await at.send(wish=on))[1] == chat_answer("two")
    at.upstream.outcomes.append(ok(chat_answer("three")))
    assert said((await at.send(wish=fresh))[0]) == "miss"
    assert (await at.send(wish=on))[1] == chat_answer("three")
    at = world(tmp_path, ok())
    assert said((await at.send(wish=Wish(cache="off")))[0]) is None
    assert len(at.upstream.sent) == 1


@virtual
async def test_no_key_is_in_the_files(tmp_path: Path) -> None:
    """Neither in their names nor in what they hold, and the question is not there either."""
    at = world(tmp_path, ok())
    await at.send()
    (file,) = kept(tmp_path)
    data = file.read_bytes()
    assert KEY.encode() not in data
    assert b"Hello" not in data
    assert b"key:" not in data


@virtual
async def test_who_closes_a_hit_early(tmp_path: Path) -> None:
    """The row says that the client left."""
    at = world(tmp_path, ok())
    await at.send()
    reply = await at.gateway.send(at.call())
    await reply.chunks.aclose()  # type: ignore[attr-defined]
    assert at.last().kind == "cancelled"


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("body", [b"", b"\n\n", b"a\n\nb", b"data: 1\r\n\r\ndata: 2\n\n\n\n", b"x" * 40_000, b"\r\r\n"])
def test_pieces_are_the_body(body: bytes, stream: bool) -> None:
    """However it is cut: nothing is lost or added, and no piece is empty."""
    found = list(pieces(Stored("c", 0.0, 200, "", (), stream, body)))
    assert b"".join(found) == body
    assert all(found)


@virtual
async def test_nothing_is_remembered_of_a_call_that_has_ended(tmp_path: Path) -> None:
    """Not of one whose answer is kept, of one that gets a kept answer, of one that gets the answer of an identical one,
    nor of those that failed, or whose clients left."""
    gate = asyncio.Event()
    at = world(
        tmp_path, ok(gate, chat_answer()), error(400, "no", kind="x"), ok(), rules=Rules(cache=True, coalesce=("*",))
    )
    same = [asyncio.create_task(at.send()) for _ in range(3)]
    await at.upstream.asked.wait()
    gate.set()
    await asyncio.gather(*same)
    assert said((await at.send())[0]) is not None
    await at.send(body=b"{}")
    left = await at.gateway.send(at.call(body=b'{"model": "m"}'))
    await left.chunks.aclose()  # type: ignore[attr-defined]
    await asyncio.sleep(1)
    assert at.gateway.kept._ends == {}
