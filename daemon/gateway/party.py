"""Calls that go as one request: who they are, what they ask for together, and what each of them gets."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from daemon.gateway.outcome import NoLuck, Whole
from daemon.model import Call, Estimate, SealedHeaders, Usage
from daemon.pacing import Setback
from daemon.providers import Part, apart, merged


@dataclass(frozen=True, slots=True)
class Share:
    """What one call gets of an answer to several."""

    whole: Whole
    """Status and headers of all."""
    body: bytes
    usage: Usage | None
    mates: int
    """How many calls it was an answer to."""
    attempt: int


@dataclass(frozen=True, slots=True)
class Failed:
    """Nobody of them gets an answer."""

    outcome: NoLuck
    attempt: int


@dataclass(slots=True, eq=False)
class Seat:
    """One call's place."""

    call: Call
    part: Part
    kin: str
    """Calls with the same name of this sort can go together."""
    party: Party | None = None
    news: asyncio.Queue[Share | Failed | Party | Exception] = field(default_factory=lambda: asyncio.Queue())
    """What comes of it, for a call that does not lead."""

    async def hear(self) -> Share | Failed | Party:
        """Wait for what comes of it. Raises what its lead has met."""
        what = await self.news.get()
        if isinstance(what, Exception):
            raise what
        return what


class Party:
    """Some calls, the first of which leads: it is the one that is sent."""

    def __init__(self, seats: Sequence[Seat], *, setback: Setback | None = None, closed: bool = False) -> None:
        self.seats = list(seats)
        self.sent: tuple[Seat, ...] = ()
        """Those that were in it when it was last sent."""
        self.setback = setback
        self.closed = closed
        """Nobody joins any more: it is looked for the one whose input is refused."""
        for seat in self.seats:
            seat.party = self

    @property
    def lead(self) -> Seat:
        """The call that is sent."""
        return self.seats[0]

    @property
    def mates(self) -> list[Seat]:
        """The others."""
        return self.seats[1:]

    @property
    def items(self) -> int:
        """How many inputs there are."""
        return sum(len(seat.part.items) for seat in self.seats)

    @property
    def tokens(self) -> float:
        """About how many tokens."""
        return sum(seat.call.estimate.input for seat in self.seats)

    def add(self, seat: Seat) -> None:
        """SEAT goes with it."""
        self.seats.append(seat)
        seat.party = self

    def call(self) -> Call:
        """The call that asks for all, as urgent as the most urgent. Alone it is the lead's own, byte for byte."""
        lead = self.lead.call
        self.sent = tuple(self.seats)
        if len(self.seats) == 1:
            return lead
        return replace(
            lead,
            body=merged([seat.part for seat in self.seats]),
            headers=_readable(lead.headers),
            estimate=_sum(seat.call.estimate for seat in self.seats),
            priority=min(seat.call.priority for seat in self.seats),
        )

    def shares(self, whole: Whole, attempt: int) -> list[Share]:
        """What each of those that were sent gets. Raises NotApart."""
        sizes = [max(1.0, seat.call.estimate.raw_input) for seat in self.sent]
        answers = apart(whole.body, [seat.part for seat in self.sent], sizes)
        return [Share(whole, answer.body, answer.usage, len(sizes), attempt) for answer in answers]

    def split(self, setback: Setback | None, *, singly: bool = False) -> list[Party]:
        """Its halves, or each call by itself. They keep their place in the queue."""
        step = 1 if singly else (len(self.seats) + 1) // 2
        groups = [self.seats[i : i + step] for i in range(0, len(self.seats), step)]
        return [Party(group, setback=setback, closed=True) for group in groups]


def _sum(estimates: object) -> Estimate:
    """The estimate of all together."""
    listed: list[Estimate] = list(estimates)  # type: ignore[call-overload]
    return Estimate(
        raw_input=sum(one.raw_input for one in listed),
        input=sum(one.input for one in listed),
        output=sum(one.output for one in listed),
    )


def _readable(headers: SealedHeaders) -> SealedHeaders:
    """Without an offer to compress: the answer has to be taken apart."""
    return tuple(pair for pair in headers if pair[0].lower() != "accept-encoding")
