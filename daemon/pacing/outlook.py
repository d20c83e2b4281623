"""How a call would fare with one of several keys: what a choice between them is made by. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from daemon.pacing.block import Block
from daemon.pacing.pool import Pool

INFINITE = float("inf")
SOON_S = 1.0
"""A key that is free so soon has room."""


@dataclass(frozen=True, slots=True)
class Outlook:
    """Smaller is better; see `rank`."""

    blocked: bool = False
    """A person must act first, and nobody may try now."""
    due: bool = False
    """It was set aside, and it is time to look whether it works again."""
    wait_s: float = 0.0
    """Until the call would go; infinity when nobody knows."""
    waiting: int = 0
    running: int = 0
    left: float = 1.0
    """The smallest part that is left of any known limit."""

    @property
    def rank(self) -> tuple[bool, bool, float, int, float, int]:
        """Keys that work before those that do not; one that is due is looked at first. Then who goes soonest."""
        return self.blocked, not self.due, self.wait_s, self.waiting, -round(self.left, 2), self.running

    @property
    def has_room(self) -> bool:
        """True if the call would go now or in an instant."""
        return not self.blocked and self.wait_s < SOON_S


def outlook(pool: Pool, block: Block | None, wait_s: float, now: float) -> Outlook:
    """The outlook of a call in POOL that would wait for WAIT_S."""
    due = block is not None and block.is_due(now)
    parts = [max(0.0, ledger.avail(now)) / ledger.cap for ledger in pool.ledgers if ledger.cap]
    return Outlook(
        blocked=block is not None and not due,
        due=due,
        wait_s=wait_s,
        waiting=pool.waiting,
        running=pool.in_flight,
        left=min(parts, default=1.0),
    )
