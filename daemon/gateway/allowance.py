"""The person's own budgets, as the gateway asks for them."""

from __future__ import annotations

from typing import Protocol

from daemon.model import Call


class Allowance(Protocol):
    """Who says whether a call is within the person's budgets."""

    def holds(self, call: Call) -> tuple[float, str] | None:
        """Seconds that CALL must wait until it is asked again, and why; None: it may go. Raises OverBudget."""

    def expect(self, call: Call, *, goes: bool = True) -> None:
        """CALL goes in a moment, so it counts from now on; without GOES: it does not after all."""
