"""A gateway with the real pacer, catalogue and providers, and an upstream that plays a script, in virtual time."""

from __future__ import annotations

import asyncio
import functools
import json
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from daemon.explain import Catalogue
from daemon.gateway import Gateway, Incoming
from daemon.model import Call, Event, Headers, Limit, Origin, Reply, TransportFault
from daemon.pacing import Pacer, PacingSettings
from daemon.redact import Redactor
from daemon.upstream import Response, StreamCut, failure_of
from pacing import virtual_time

KEY = "CANARY-gateway-key-0123456789"
EPOCH = 1_800_000_000.0
CATALOGUE = Catalogue.load()
JSON: Headers = (("Content-Type", "application/json"),)
SSE: Headers = (("Content-Type", "text/event-stream"),)
ONE_A_MINUTE = Limit("requests", 1, 60.0, "minute")
HIDDEN = b'{"error":{"message":"Credit gone.","type":"insufficient_quota","code":"insufficient_quota"}}'
"""A body that says an error behind a success."""


def virtual(test: Callable[..., Awaitable[None]]) -> Callable[..., None]:
    """Run an asynchronous TEST in virtual time: whatever it waits for takes no time, and a dead end fails at once."""

    @functools.wraps(test)
    def run(*args: Any, **more: Any) -> None:
        virtual_time.run(test(*args, **more))  # type: ignore[arg-type]

    return run


class Answer(Response):
    """What the upstream answers: a status, header fields, and a body in pieces.

    A piece is bytes, a transport fault that cuts the body, or an event to wait for.
    """

    def __init__(self, status: int, headers: Headers, *pieces: bytes | TransportFault | asyncio.Event) -> None:
        self.status = status
        self.reason = ""
        self.headers = headers
        self.pieces = pieces
        self.closed = 0
        self.call: Call | None = None
        self.meanwhile = None
        self._playing: AsyncIterator[bytes] | None = None

    def header(self, name: str) -> str | None:
        """The first value of a field."""
        return next((value for field, value in self.headers if field.lower() == name.lower()), None)

    def chunks(self) -> AsyncIterator[bytes]:
        """The pieces, from the first one; the iterator is the real one."""
        self._playing = self._play()
        return super().chunks()

    async def _piece(self) -> bytes:
        assert self.call is not None
        if self._playing is None:
            raise StreamCut(failure_of(self.call, "reset", "asked for more after its end", sent=True))
        return await anext(self._playing, b"")

    async def _play(self) -> AsyncIterator[bytes]:
        assert self.call is not None
        for piece in self.pieces:
            if isinstance(piece, bytes):
                yield piece
            elif isinstance(piece, str):
                raise StreamCut(failure_of(self.call, piece, "cut in a test", sent=True, status=self.status))
            else:
                if self.meanwhile is not None:
                    self.meanwhile()
                await piece.wait()

    async def read(self, most: int) -> bytes:
        """Up to MOST bytes."""
        return b"".join([chunk async for chunk in self.chunks()])[:most]

    def close(self) -> None:
        """Count it."""
        self.closed += 1
        self._playing = None


class Upstream:
    """Plays one outcome for each sending; the last one again and again."""

    def __init__(self, *outcomes: Answer | TransportFault | asyncio.Event) -> None:
        self.outcomes = list(outcomes)
        self.sent: list[Call] = []
        self.asked = asyncio.Event()

    async def send(self, call: Call, left: Callable[[], object] = lambda: None, *meanwhile: object) -> Any:
        """Play the next."""
        left()
        self.sent.append(call)
        self.asked.set()
        outcome = self.outcomes[min(len(self.sent), len(self.outcomes)) - 1]
        if isinstance(outcome, str):
            nothing_sent = outcome in ("dns", "offline", "refused", "unreachable", "tls", "connect_timeout")
            return failure_of(call, outcome, "it failed in a test", sent=not nothing_sent)
        if isinstance(outcome, asyncio.Event):
            await outcome.wait()
            raise AssertionError("an event is only waited for until somebody cancels")
        outcome.call = call
        return outcome


class World:
    """A gateway and all that it says."""

    def __init__(self, *outcomes: Answer | TransportFault | asyncio.Event, **more: Any) -> None:
        clock = asyncio.get_running_loop().time
        self.events: list[Event] = []
        self.upstream = Upstream(*outcomes)
        self.origin = more.pop("origin", None)
        self.origins: dict[str, Origin] = more.pop("origins", {})
        settings = more.pop("pacing", PacingSettings())
        self.pacer = Pacer(settings, clock=clock, wall=lambda: EPOCH + clock(), rng=random.Random(1))
        self.gateway = Gateway(
            origin_of=self.origin_of,
            pacer=self.pacer,
            catalogue=CATALOGUE,
            upstream=self.upstream,  # type: ignore[arg-type]
            redactor=Redactor(b"test"),
            sinks=more.pop("sinks", (self.events.append,)),
            wall=lambda: EPOCH + clock(),
            **more,
        )
        self.pacer.has_choice = self.gateway.elsewhere.concerns

    def origin_of(self, host: str) -> Origin | None:
        """The one origin of a test, or a provider by its host."""
        names = {
            "api.openai.com": "openai",
            "api.anthropic.com": "anthropic",
            "generativelanguage.googleapis.com": "gemini",
        }
        if host in self.origins:
            return self.origins[host]
        if self.origin is not None:
            return self.origin if host == self.origin.host else None
        return Origin(host, f"https://{host}", names[host]) if host in names else None

    def call(self, **more: Any) -> Call:
        """A call as it comes from a door."""
        return self.gateway.receive(incoming(**more))

    async def send(self, **more: Any) -> tuple[Reply, bytes]:
        """Send a call and read its answer to the end; StreamCut and refusals come through."""
        reply = await self.gateway.send(self.call(**more))
        return reply, await body_of(reply)

    def kinds(self, call: Call | None = None) -> list[str]:
        """The kinds of the events so far."""
        return [event.kind for event in self.events if call is None or event.call.id == call.id]

    def last(self) -> Event:
        """The last event; it must be the one final one of its call."""
        final = [event for event in self.events if event.final and event.call.id == self.events[-1].call.id]
        assert final == [self.events[-1]]
        assert not self.gateway.running
        return final[0]

    def in_flight(self) -> int:
        """Permits that were not given back."""
        return sum(int(pool["in_flight"]) for pool in self.pacer.pools())


async def body_of(reply: Reply) -> bytes:
    """The whole body; it is closed however it ends, as a door does it."""
    try:
        return b"".join([chunk async for chunk in reply.chunks])
    finally:
        close = getattr(reply.chunks, "aclose", None)
        if close is not None:
            await close()


def incoming(**more: Any) -> Incoming:
    """A chat call to OpenAI, with changes."""
    ask: dict[str, Any] = {"model": more.pop("model", "gpt-4o"), "messages": [{"role": "user", "content": "Hello"}]}
    if more.pop("stream", False):
        ask["stream"] = True
    values: dict[str, Any] = {
        "host": "api.openai.com",
        "method": "POST",
        "target": "/v1/chat/completions",
        "headers": (("Authorization", f"Bearer {KEY}"), ("Content-Type", "application/json")),
        "body": json.dumps(ask).encode(),
    }
    return Incoming(**{**values, **more})


def chat_answer(text: str = "Hi") -> bytes:
    """A whole chat answer with usage."""
    return json.dumps(
        {
            "id": "x",
            "object": "chat.completion",
            "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11},
        }
    ).encode()


def ok(*pieces: bytes | TransportFault | asyncio.Event, headers: Headers = JSON) -> Answer:
    """A success; without pieces a whole chat answer."""
    return Answer(200, headers, *(pieces or (chat_answer(),)))


def event(text: str | None = None, **more: Any) -> bytes:
    """One event of a chat stream."""
    delta = {"content": text} if text is not None else {}
    row = {"id": "x", "object": "chat.completion.chunk", "choices": [{"index": 0, "delta": delta, **more}]}
    return b"data: " + json.dumps(row).encode() + b"\n\n"


DONE = b"data: [DONE]\n\n"
STREAM = (event("Hel"), event("lo"), event(finish_reason="stop"), DONE)


def error_in(body: bytes) -> Any:
    """The `error` of a body."""
    return json.loads(body)["error"]


def error(status: int, message: str, *, kind: str, code: str | None = None, headers: Headers = ()) -> Answer:
    """An error in OpenAI's shape."""
    body = {"error": {"message": message, "type": kind, "param": None, "code": code}}
    return Answer(status, (*JSON, *headers), json.dumps(body).encode())


def rate_limited(after: str = "2") -> Answer:
    """A rate 429 that says when to come back."""
    text = f"Rate limit reached. Please try again in {after}s."
    return error(429, text, kind="rate_limit_error", code="rate_limit_exceeded", headers=(("Retry-After", after),))


def no_credit() -> Answer:
    """The 429 that waiting does not clear."""
    text = "Your credit is used up; look at your plan and billing."
    return error(429, text, kind="insufficient_quota", code="insufficient_quota")


def limited(*limits: Limit, **more: Any) -> Origin:
    """OpenAI with configured limits."""
    return Origin("api.openai.com", "https://api.openai.com", "openai", limits, **more)
