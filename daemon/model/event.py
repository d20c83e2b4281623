"""What is told of a call, and what goes back to its client."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from typing import Literal, Protocol

from daemon.model.call import Call, Company, Headers, Usage
from daemon.model.failure import Explanation, Failure, Reading
from daemon.model.noun import noun

EventKind = Literal[
    "queued", "joined", "keyed", "rerouted", "admitted", "sent", "answered", "first_byte", "left", "failed", "held",
    "done", "cancelled",
]  # fmt: skip


@noun(frozen=True, slots=True)
class Event:
    """One step in the life of a call. Journal, log and progress notifications are readers of these.

    queued: the call has come in. joined: it is not sent by itself, another call's sending answers it (`company`).
    keyed: one of several keys or endpoints was chosen. rerouted: it goes to another host or model (`reason`); from then
    on `call` is what goes there; with a `failure`, nobody else could answer and it is the first call again.
    admitted: it may go (`waited_s`). sent: bytes go out (attempt n). answered: status and headers are there.
    first_byte: body begins. left: its client has gone, but others wait for the same answer. failed: an attempt failed
    (`failure`, `explanation`; `final` says whether the client gets it). held: it waits to be sent again (`wait_s`,
    `reason`). done: a success has been delivered whole. cancelled: the client left or took nothing, or somebody has
    ended it (`reason`). Every call ends with exactly one of done, cancelled, or failed with `final` true.
    """

    kind: EventKind
    call: Call
    at: float
    attempt: int = 0
    status: int | None = None
    headers: Headers = ()
    readings: tuple[Reading, ...] = ()
    usage: Usage | None = None
    """With the end: what was used, as far as it is known. A call that failed or was cancelled has it when something of
    the answer had come."""
    failure: Failure | None = None
    explanation: Explanation | None = None
    final: bool = False
    wait_s: float | None = None
    reason: str = ""
    body: bytes | None = None
    """With done: the answer's body, when the journal wants bodies of all calls."""
    bytes_out: int = 0
    """With done: size of the answer's body."""
    company: Company | None = None
    """With joined."""


@noun(frozen=True, slots=True)
class Reply:
    """What goes back to the client of a call."""

    call: Call
    status: int
    reason: str
    headers: Headers
    chunks: AsyncIterator[bytes]
    """The body. Closing it early means that the client left; an exception from it means a cut stream."""
    explanation: Explanation | None = None
    catch_up: Callable[[], object] | None = None
    """Tells the readers now what a client who only takes the body need not wait for. It would be told when
    more of it is asked for."""


class Memory(Protocol):
    """What the pacer keeps over a restart. Small JSON texts under (kind, key)."""

    def recall(self, kind: str) -> Mapping[str, str]:
        """All remembered values of a kind."""

    def remember(self, kind: str, key: str, value: str) -> None:
        """Keep VALUE; on disk within a second."""

    def remember_now(self, kind: str, key: str, value: str) -> None:
        """Keep VALUE; on disk before this returns. For reservations of day and month counters."""

    def forget(self, kind: str, key: str) -> None:
        """Drop it."""
