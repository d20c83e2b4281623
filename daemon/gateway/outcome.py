"""What an attempt comes to, and what every answer says of itself."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from daemon.errors import Refusal
from daemon.gateway.inspect import GENERATING
from daemon.model import Call, Failure, Finding, Headers, Usage
from daemon.pacing import Blocked, Permit, Setback
from daemon.phrases import phrase
from daemon.upstream import Response


@dataclass(slots=True)
class Trip:
    """How far one call has come."""

    attempt: int = 0
    since: float | None = None
    """When it began, on the pacer's clock: its deadline counts from then. None: it has no deadline."""
    on_its_way: tuple[Call, Permit] | None = None
    """Of the attempt whose answer is waited for: the call as it goes there, and its permit."""

    def goes(self, call: Call, permit: Permit) -> None:
        """Another attempt begins."""
        self.attempt += 1
        self.on_its_way = call, permit

    def unanswered(self) -> Call | None:
        """The call as it has gone to whoever has not answered it yet: a provider reads a question before it says
        anything."""
        if self.on_its_way is None or not self.on_its_way[1].gone:
            return None
        return self.on_its_way[0]


@dataclass(frozen=True, slots=True)
class NoLuck:
    """An attempt that failed, and the right to try again, if there is one."""

    failure: Failure
    finding: Finding
    setback: Setback | None


@dataclass(frozen=True, slots=True)
class Whole:
    """The answer to several calls that went as one, read to its end."""

    status: int
    reason: str
    headers: Headers
    body: bytes


def question_of(call: Call) -> Usage | None:
    """What CALL has used when nothing is known of an answer: its question, as we estimate it. None for a call that
    makes the provider write nothing."""
    if call.ask.kind not in GENERATING:
        return None
    return Usage(input=round(call.estimate.input), reported=False)


def forbids_resend(answer: Response) -> bool:
    """True if ANSWER says that it is of no use to send the call again. The clients of OpenAI and Anthropic obey that
    field before all else (`_should_retry` in https://github.com/openai/openai-python/blob/main/src/openai/_base_client.py
    and the same in anthropic-sdk-python)."""
    return (answer.header("x-should-retry") or "").strip().lower() == "false"


class Retold:
    """The body of an answer that is here already, in PIECES. `on_end` is told once how it ended: None for the end."""

    def __init__(self, pieces: Iterator[bytes], on_end: Callable[[BaseException | None], None]) -> None:
        self._pieces = pieces
        self._on_end: Callable[[BaseException | None], None] | None = on_end

    def __aiter__(self) -> Retold:
        return self

    async def __anext__(self) -> bytes:
        piece = next(self._pieces, None)
        if piece is None:
            self._ended(None)
            raise StopAsyncIteration
        return piece

    async def aclose(self) -> None:
        """Close early or after the end."""
        self._ended(GeneratorExit())

    def _ended(self, how: BaseException | None) -> None:
        on_end, self._on_end = self._on_end, None
        if on_end is not None:
            on_end(how)


def ours(call: Call, attempt: int) -> Headers:
    """Our own header fields on an answer."""
    return (("X-Sluice-Call", call.id), ("X-Sluice-Attempts", str(attempt)))


def without_ours(headers: Headers) -> Headers:
    """HEADERS of one call's answer, for another call."""
    return tuple((name, value) for name, value in headers if not name.lower().startswith("x-sluice-"))


def why_it_stopped(error: BaseException) -> str:
    """In words, why a call ended without an end."""
    if isinstance(error, (asyncio.CancelledError, GeneratorExit)):
        return phrase("ended.client_left")
    return phrase("ended.broke", error=type(error).__name__)


def same_for(call: Call, error: Exception) -> Exception:
    """The refusal that another call has met, for CALL: each names its own."""
    if isinstance(error, Blocked):
        return Blocked(error.finding, call.origin.host)
    if isinstance(error, Refusal):
        return type(error)(error.message, **{**error.facts, "call": call.id})
    return error
