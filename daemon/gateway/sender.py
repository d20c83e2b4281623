"""What the gateway's loop does for a call, as those ask for it who say where and with whom the call goes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from daemon.gateway.outcome import NoLuck, Trip
from daemon.model import Call, Failure, Finding, Headers, Reply
from daemon.pacing import Permit, Setback

Leaves = Callable[[NoLuck], bool]


class Sender(Protocol):
    """The loop."""

    def catch_up(self) -> None:
        """Settle what was put off: who chooses a place must know what is free."""

    async def rounds(self, call: Call, trip: Trip) -> Reply:
        """Send it by itself, as often as it takes."""

    async def tried(
        self, call: Call, trip: Trip, leaves: Leaves | None = None, setback: Setback | None = None
    ) -> Reply | NoLuck:
        """The same, or until a failure with which it LEAVES."""

    async def admitted(self, call: Call, setback: Setback | None, trip: Trip) -> Permit:
        """Wait until it may go."""

    def is_allowed(self, call: Call) -> bool:
        """True if it is within the person's budgets now."""

    def expect(self, call: Call, *, goes: bool = True) -> None:
        """Let it count there from now on, since it GOES in a moment; or no longer."""

    def hold(self, call: Call, outcome: NoLuck, setback: Setback, attempt: int) -> None:
        """Tell that it goes back to the queue."""

    def give_up(
        self,
        call: Call,
        failure: Failure,
        finding: Finding,
        attempt: int,
        extra: Headers = (),
        total: int | None = None,
    ) -> Reply:
        """The reply for a failure."""
