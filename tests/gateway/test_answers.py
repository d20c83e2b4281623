"""What the client gets."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from daemon.gateway.answers import Body, explained, for_client, message_for, one
from daemon.gateway.copy import Copy
from daemon.gateway.intake import Intake
from daemon.model import Call, Estimate, Failure, Finding, Origin, Reply
from daemon.redact import Redactor
from daemon.upstream import StreamCut
from gateway.scripted import CATALOGUE, Answer, incoming

ORIGIN = Origin("api.openai.com", "https://api.openai.com", "openai")
OURS = (("X-Sluice-Call", "c1"),)
NO_CREDIT = json.dumps(
    {"error": {"message": "Credit gone.", "type": "insufficient_quota", "param": None, "code": "insufficient_quota"}}
).encode()


def call(**more: Any) -> Call:
    """A call to OpenAI."""
    door = Intake(lambda host: ORIGIN, lambda origin, ask: Estimate(), Redactor(b"t"), "en", "inline", lambda: 0.0)
    return door.receive(incoming(**more))


def reply(failure: Failure, **more: Any) -> Reply:
    """The reply for a failure."""
    finding = CATALOGUE.classify(failure)
    return explained(call(**more), failure, CATALOGUE.explain(finding), OURS)


async def body_of(answer: Reply) -> bytes:
    """Its body."""
    return b"".join([chunk async for chunk in answer.chunks])


def failure(status: int | None = 429, body: bytes = NO_CREDIT, **more: Any) -> Failure:
    """An error answer of OpenAI."""
    headers = more.pop("headers", (("Content-Type", "application/json"), ("Content-Length", str(len(body)))))
    return Failure(status=status, headers=headers, body=body, provider="openai", host="api.openai.com", **more)


async def test_inline() -> None:
    """Status and code stay, the message is our one line, the provider's own is beside it; the length is right."""
    answer = reply(failure())
    body = await body_of(answer)
    error = json.loads(body)["error"]
    assert answer.status == 429
    assert (error["type"], error["code"], error["param"]) == ("insufficient_quota", "insufficient_quota", None)
    assert "credit" in error["message"]
    assert "\n" not in error["message"]
    assert len(error["message"]) <= 150
    assert error["sluice"]["original"] == "Credit gone."
    assert error["sluice"]["curl"] == f"daemon curl {answer.call.id}"
    fields = dict(answer.headers)
    assert fields["Content-Length"] == str(len(body))
    assert fields["Content-Type"] == "application/json"
    assert fields["X-Sluice-Call"] == "c1"
    assert answer.reason.isascii()
    assert 0 < len(answer.reason) <= 30


async def test_field() -> None:
    """With `field` the provider's message stays, and only `error.sluice` is added."""
    error = json.loads(await body_of(reply(failure(), explain="field")))["error"]
    assert error["message"] == "Credit gone."
    assert error["sluice"]["subtype"] == "insufficient_quota"


async def test_off() -> None:
    """With `off` no byte of the body changes."""
    answer = reply(failure(body=NO_CREDIT + b" \n"), explain="off")
    assert await body_of(answer) == NO_CREDIT + b" \n"
    assert dict(answer.headers)["Content-Length"] == str(len(NO_CREDIT) + 2)


async def test_off_with_a_body_that_was_packed() -> None:
    """A packed error was unpacked to be understood: its fields must not promise what it no longer is."""
    headers = (("Content-Encoding", "gzip"), ("content-length", "7"), ("ETag", "x"), ("Retry-After", "1"))
    answer = reply(failure(headers=headers), explain="off")
    assert answer.headers == (("Retry-After", "1"), ("Content-Length", str(len(NO_CREDIT))), *OURS)


async def test_off_for_head() -> None:
    """The length that an answer to HEAD states is that of a body which is not sent."""
    answer = reply(failure(body=b"", headers=(("Content-Length", "99"),)), explain="off", method="HEAD")
    assert dict(answer.headers)["Content-Length"] == "99"


@pytest.mark.parametrize(
    "body", [b"<html><body>Too many</body></html>", b"", b'"slow down"', b'{"detail":"no"}', b"\xff"]
)
async def test_other_shapes(body: bytes) -> None:
    """HTML, nothing, a string: the client gets the provider's own error shape with a message."""
    headers = (("Content-Type", "text/html"), ("Content-Encoding", "gzip"), ("ETag", "x"), ("Retry-After", "3"))
    answer = reply(failure(body=body, headers=headers))
    error = json.loads(await body_of(answer))["error"]
    assert error["message"]
    fields = [name for name, _ in answer.headers]
    assert fields == ["Retry-After", "Content-Type", "Content-Length", "X-Sluice-Call"]


@pytest.mark.parametrize("explain", ["inline", "off"])
async def test_no_answer_at_all(explain: str) -> None:
    """When the provider did not answer, the client gets a 502 that says why, whatever it asked for."""
    lost = Failure(host="api.openai.com", provider="openai", fault="refused", detail="connection refused")
    answer = reply(lost, explain=explain)
    assert answer.status == 502
    assert json.loads(await body_of(answer))["error"]["message"]


async def test_a_redirect_is_no_success() -> None:
    """gptel's curl follows redirects with the key: the client gets a 502 and no Location."""
    answer = reply(failure(302, b"", headers=(("Location", "https://evil.example/"),)))
    assert answer.status == 502
    assert "location" not in {name.lower() for name, _ in answer.headers}


def test_header_fields_for_the_client() -> None:
    """No hop-by-hop fields, and ASCII only, since gptel counts bytes as characters."""
    headers = (
        ("Date", "x"), ("Connection", "close"), ("Transfer-Encoding", "chunked"), ("Keep-Alive", "5"),
        ("X-Word", "żółw"), ("X-Odd", "\udcff"), ("Ключ", "1"), ("Set-Cookie", "a"), ("Set-Cookie", "b"),
    )  # fmt: skip
    assert for_client(headers) == (
        ("Date", "x"), ("X-Word", "???w"), ("X-Odd", "?"), ("Set-Cookie", "a"), ("Set-Cookie", "b"),
    )  # fmt: skip


def test_what_cannot_be_explained_keeps_its_own_words() -> None:
    """The provider's own sentence is better than `unknown`."""
    unknown = CATALOGUE.explain(Finding(original="I am a teapot."))
    assert message_for(unknown) == "I am a teapot."
    assert message_for(CATALOGUE.explain(Finding())) == CATALOGUE.explain(Finding()).line


async def test_one_piece() -> None:
    """A body in one piece."""
    assert [chunk async for chunk in one(b"x")] == [b"x"]


# ---- the body of a success


class Opened:
    """A body, and how it ended."""

    def __init__(self, first: bytes, *rest: bytes | BaseException) -> None:
        self.ends: list[tuple[Any, int]] = []
        self.answer = Answer(200, ())
        self.copy = Copy(None, lambda body: None, None)
        self.body = Body(
            first,
            self.play(rest),
            self.copy,
            self.answer,
            lambda how, size: self.ends.append((how, size)),
            lambda: None,
        )  # type: ignore[arg-type]

    async def play(self, rest: tuple[bytes | BaseException, ...]) -> AsyncIterator[bytes]:
        """The pieces."""
        for piece in rest:
            if isinstance(piece, BaseException):
                raise piece
            yield piece


async def test_a_body_to_its_end() -> None:
    """All pieces come in order; the end is told once, with the size, and the connection goes back."""
    opened = Opened(b"ab", b"c", b"de")
    assert [chunk async for chunk in opened.body] == [b"ab", b"c", b"de"]
    await opened.body.aclose()
    assert opened.ends == [(None, 5)]
    assert opened.answer.closed == 1
    assert opened.copy.whole_body() == b"cde"  # the first piece was read before


async def test_an_empty_body() -> None:
    """Nothing is a body too."""
    opened = Opened(b"")
    assert [chunk async for chunk in opened.body] == []
    assert opened.ends == [(None, 0)]


async def test_a_body_that_nobody_reads() -> None:
    """Closing settles the call even if nothing was read."""
    opened = Opened(b"ab", b"c")
    await opened.body.aclose()
    await opened.body.aclose()
    assert [type(how) for how, _ in opened.ends] == [GeneratorExit]
    assert opened.answer.closed == 1


@pytest.mark.parametrize("error", [StreamCut(Failure(fault="truncated")), asyncio.CancelledError(), RuntimeError()])
async def test_a_body_that_breaks(error: BaseException) -> None:
    """What stops it is told, with what had passed until then, and comes through."""
    opened = Opened(b"ab", b"c", error)
    assert [await anext(opened.body), await anext(opened.body)] == [b"ab", b"c"]
    with pytest.raises(type(error)):
        await anext(opened.body)
    assert opened.ends == [(error, 3)]
    assert opened.answer.closed == 1
