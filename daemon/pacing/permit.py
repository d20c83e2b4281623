"""The right of one attempt to go, and what is left of it when the attempt fails."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol

from daemon.model import Call, Finding, Priority, Reading, TransportFault, Usage
from daemon.pacing.blocks import Charge
from daemon.pacing.days import DayCount
from daemon.pacing.ledger import Ledger

if TYPE_CHECKING:
    from daemon.pacing.account import Account
    from daemon.pacing.pool import Pool

SetbackKind = Literal["rate", "overload", "network"]


@dataclass(slots=True)
class Tally:
    """What one call has met so far, over all its attempts."""

    rate: int = 0
    """Rate refusals in a row."""
    overload: int = 0
    network: int = 0
    offline: int = 0
    """How often in a row there was no network."""
    offline_at: float = 0.0
    """When that began."""
    refused_at: float | None = None
    """When the present row of rate refusals began."""


class Desk(Protocol):
    """Where a permit reports to."""

    def left(self, permit: Permit) -> None: ...
    def quiet(self, permit: Permit) -> bool: ...
    def answered(
        self, permit: Permit, status: int, readings: Sequence[Reading], *, streamed: bool, sure: bool
    ) -> None: ...
    def refused(self, permit: Permit, finding: Finding, readings: Sequence[Reading]) -> Setback | None: ...
    def lost(self, permit: Permit, fault: TransportFault, sent: bool) -> Setback | None: ...
    def settle(self, permit: Permit, usage: Usage | None) -> None: ...
    def release(self, permit: Permit) -> None: ...


@dataclass(slots=True, eq=False)
class Permit:
    """One attempt's right to go. `release` it in `finally`; without `settle` it keeps its charge."""

    call: Call
    attempt: int
    waited_s: float
    desk: Desk = field(repr=False)
    seq: int = 0
    sent_at: float = 0.0
    arrived: float = 0.0
    deadline: float = float("inf")
    tag: float | None = None
    rose_to: Priority | None = None
    """The class in which it competed after it had waited long."""
    tally: Tally = field(default_factory=Tally, repr=False)
    charges: list[tuple[Ledger, Charge]] = field(default_factory=list, repr=False)
    days: list[tuple[DayCount, Charge]] = field(default_factory=list, repr=False)
    place: tuple[Account, Pool] = field(init=False, repr=False)
    """Where it was given, and where it reports to: a reload may give the call's own origin another meaning."""
    gone: bool = False
    """The bytes of the request have left."""
    unanswered: bool = True
    settled: bool = False
    released: bool = False
    charging: Callable[[], None] | None = field(default=None, repr=False)
    """Takes what the attempt takes, where that is not done yet (see `Pacer.acquire`)."""

    def charge(self) -> None:
        """Take now what the attempt takes, if that was put off. Whoever tells the permit anything has it done first."""
        if self.charging is not None:
            self.charging()
            self.charging = None

    def charge_of(self, ledger: Ledger) -> Charge | None:
        """What was taken from LEDGER."""
        for one, charge in self.charges:
            if one is ledger:
                return charge
        return None

    def left(self) -> None:
        """The bytes of the request have gone; it may have taken a while to connect."""
        self.charge()
        self.gone = True
        self.desk.left(self)

    def quiet(self) -> bool:
        """True if nobody waits for what this attempt gives back, and nobody needs what it teaches: both can be told a
        moment later."""
        self.charge()
        return self.desk.quiet(self)

    def answered(self, status: int, readings: Sequence[Reading], *, streamed: bool, sure: bool = True) -> None:
        """Status line and headers are in; STREAMED: the body is still being made. Not SURE: an error may hide in it,
        and when none does, tell again, without READINGS."""
        self.charge()
        self.desk.answered(self, status, readings, streamed=streamed, sure=sure)

    def refused(self, finding: Finding, readings: Sequence[Reading] = ()) -> Setback | None:
        """The provider said no. Return with what to acquire again, or None when the call must not be sent again."""
        self.charge()
        return self.desk.refused(self, finding, readings)

    def lost(self, fault: TransportFault, sent: bool) -> Setback | None:
        """No answer came. What was SENT may have been paid for, and is sent again only if the origin's setting says
        so."""
        self.charge()
        return self.desk.lost(self, fault, sent)

    def settle(self, usage: Usage | None) -> None:
        """The body has ended; None: the provider reported no usage, the estimate stays."""
        if not self.settled:
            self.settled = True
            self.charge()
            self.desk.settle(self, usage)

    def release(self) -> None:
        """Give the slot back, once."""
        if not self.released:
            self.released = True
            self.charge()
            self.desk.release(self)


@dataclass(frozen=True, slots=True)
class Setback:
    """An attempt that failed and is worth another: pass it to `Pacer.acquire`."""

    permit: Permit
    kind: SetbackKind
    wait_s: float
    """An estimate, for people."""
    reason: str
    finding: Finding | None = None
    ready_at: float = float("-inf")
    """On the pacer's clock: not before this instant."""
