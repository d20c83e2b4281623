"""Is it a success? Reads as much of an answer as is needed to know, while the client has got nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

from daemon.errors import TooLarge
from daemon.gateway.copy import Copy, decoded, status_inside
from daemon.gateway.intake import provider_of
from daemon.model import Call, Failure, Finding, Reading, mark, noun
from daemon.phrases import phrase
from daemon.upstream import Response, StreamCut, failure_of

ERROR_BODY_LIMIT = 1 << 20
"""Bytes of an error's body that are read; what explains an error is at its beginning."""

GENERATING = frozenset({"chat", "responses", "messages", "generate", "completions", "embeddings", "images"})
"""Kinds of calls that are answered with 200 or an error: gptel takes any other 2xx for an error."""


@noun(frozen=True, slots=True)
class Opened:
    """A success whose first bytes are known."""

    copy: Copy
    first: bytes
    rest: AsyncIterator[bytes]


async def look_inside(call: Call, answer: Response) -> Opened | Failure:
    """Read as much as is needed to know whether ANSWER is a success."""
    if not 200 <= answer.status < 300 and not (300 <= answer.status < 400 and call.method != "POST"):
        return failure_in(call, answer, await error_body(answer))
    provider = provider_of(call.origin)
    stream = provider.stream_reader(call.ask) if call.stream and answer.status < 300 else None
    copy = Copy(stream, provider.read_usage, answer.header("Content-Encoding"))
    chunks = answer.chunks()
    first = []
    try:
        async for chunk in chunks:
            copy.feed(chunk)
            first.append(chunk)
            if call.ask.kind not in GENERATING or not copy.holds_back():
                break
    except StreamCut as cut:
        return cut.failure
    hidden = copy.error_inside() if call.ask.kind in GENERATING and call.explain != "off" else None
    if hidden is not None:
        return failure_in(call, answer, hidden, status_inside(hidden))
    return Opened(copy, b"".join(first), chunks)


def readings_of(call: Call, answer: Response, came: float) -> tuple[Reading, ...]:
    """What the header fields of ANSWER, which CAME then (Unix time), say about limits."""
    return provider_of(call.origin).read_limits(answer.status, answer.headers, came)


async def error_body(answer: Response) -> bytes:
    """The decoded body of an error answer; what there is of it when it is cut."""
    body = b""
    with suppress(StreamCut):
        async for chunk in answer.chunks():
            body += chunk
            if len(body) >= ERROR_BODY_LIMIT:
                break
    return decoded(body[:ERROR_BODY_LIMIT], answer.header("Content-Encoding"))


def failure_in(call: Call, answer: Response, body: bytes, status: int | None = None) -> Failure:
    """A Failure for what ANSWER says."""
    return Failure(
        status=status or answer.status,
        headers=answer.headers,
        body=body,
        host=call.origin.host,
        provider=call.origin.provider,
        model=call.model,
        sent=True,
    )


def failure_inside(call: Call, answer: Response, copy: Copy) -> Failure | None:
    """What went wrong in a success whose body is at its end: an error in it, or a stream without its closing mark."""
    hidden = copy.error_inside() if call.ask.kind in GENERATING else None
    if hidden is not None:
        return failure_in(call, answer, hidden, status_inside(hidden))
    if not copy.complete:
        return failure_of(call, "truncated", phrase("fault.no_mark"), sent=True, status=answer.status)
    return None


def too_large(call: Call, refusal: TooLarge) -> Finding:
    """The finding for a call that the pacer did not let go because it can never fit."""
    facts: dict[str, Any] = {
        name: refusal.facts[name] for name in ("dimension", "window", "limit", "requested") if name in refusal.facts
    }
    return Finding(
        subtype="request_too_large",
        family="request",
        retry="change",
        confidence="likely",
        provider=call.origin.provider,
        status=429,
        model=call.model,
        rule="sluice.too_large",
        evidence=(mark("counted"),),
        original=refusal.told(call.language or "en"),
        **facts,
    )
