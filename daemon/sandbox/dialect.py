"""What each API's module offers: a module is a dialect. And the two ways in which providers write times."""

from __future__ import annotations

import datetime
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

from daemon.sandbox.meter import Standing
from daemon.sandbox.question import Question
from daemon.sandbox.text import Answer
from daemon.sandbox.trouble import Trouble

Fields = list[tuple[str, str]]
"""Header fields in order."""


@dataclass(frozen=True, slots=True)
class Moment:
    """When an answer is made, and how long a minute is."""

    wall: float
    """Unix time."""
    minute_s: float = 60.0

    @property
    def tick_s(self) -> float:
        """A second of the provider's own minute."""
        return self.minute_s / 60

    def ticks(self, seconds: float) -> str:
        """SECONDS rounded up to the provider's whole seconds, as `retry-after` has them."""
        return f"{math.ceil(seconds / self.tick_s - 1e-9) * self.tick_s:.6g}"

    def instant(self, seconds: float) -> str:
        """The RFC 3339 instant in SECONDS from now.

        Whole seconds, as Anthropic sends. Where a minute is shorter than a minute that would be too coarse, so it is
        then counted in milliseconds from the second that the Date header names.
        """
        if self.minute_s >= 60:
            at = datetime.datetime.fromtimestamp(math.ceil(self.wall + seconds), datetime.UTC)
            return at.strftime("%Y-%m-%dT%H:%M:%SZ")
        at = datetime.datetime.fromtimestamp(math.floor(self.wall) + seconds, datetime.UTC)
        return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass(frozen=True, slots=True)
class Refused:
    """An error answer."""

    status: int
    body: bytes
    headers: Fields = field(default_factory=list)
    """Besides the rate limit headers."""
    content_type: str = "application/json"


class Dialect(Protocol):
    """One API's words."""

    def refuse(self, trouble: Trouble, question: Question, moment: Moment, request_id: str) -> Refused:
        """Say TROUBLE; the hints (retry-after) are in the headers."""

    def limit_headers(self, standings: tuple[Standing, ...], moment: Moment, day: bool) -> Fields:
        """Rate limit headers; DAY: the requests headers tell the day's limit."""

    def request_id_header(self) -> str:
        """The name of the header with the request's id."""

    def whole(self, question: Question, answer: Answer, request_id: str, wall: float) -> bytes:
        """The body of an answer that is not streamed."""

    def chunks(self, question: Question, answer: Answer, request_id: str, wall: float) -> Iterator[bytes]:
        """The body of a stream, in its pieces."""

    def stream_trouble(self, question: Question, trouble: Trouble) -> bytes:
        """An error inside a stream that has begun with 200."""

    def stream_type(self, question: Question) -> str:
        """The content type of a stream."""

    def models(self, names: dict[str, str], one: str | None) -> bytes | None:
        """The list of models (names and lines about them), or ONE of them; None if there is no such one."""


def go_duration(seconds: float) -> str:
    """Write SECONDS as OpenAI's headers and messages do: `12ms`, `3.362s`, `6m0s`; rounded up to milliseconds."""
    millis = max(0, math.ceil(seconds * 1000 - 1e-6))
    if 0 < millis < 1000:
        return f"{millis}ms"
    hours, rest = divmod(millis, 3_600_000)
    minutes, rest = divmod(rest, 60_000)
    out = f"{hours}h" if hours else ""
    out += f"{minutes}m" if minutes or hours else ""
    return out + f"{rest / 1000:.3f}".rstrip("0").rstrip(".") + "s"
