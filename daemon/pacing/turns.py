"""How long calls are under way, and so when a slot becomes free: an estimate for those that wait for one. No clock."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import islice

MANY = 8
"""Of more answers than so many, new ones count more than old ones."""
SOON = 0.1
"""An answer that takes longer than the others is expected after so much more of what these took."""


@dataclass(slots=True)
class Turns:
    """The calls that have a slot, and what those before them took."""

    mean_s: float = 0.0
    _ended: int = 0
    _begun: dict[int, float] = field(default_factory=dict)
    """When each began, by the number of its permit: the oldest is first."""

    def begin(self, seq: int, now: float) -> None:
        """The call with the permit SEQ is under way."""
        self._begun[seq] = now

    def end(self, seq: int, now: float, *, whole: bool) -> None:
        """It is no longer; WHOLE: its answer has ended. What was refused at once tells nothing."""
        begun = self._begun.pop(seq, None)
        if whole and begun is not None:
            self._ended = min(self._ended + 1, MANY)
            self.mean_s += (now - begun - self.mean_s) / self._ended

    def ends_in_s(self, nth: int, most: int, now: float) -> float | None:
        """Return the seconds until NTH calls have ended, of those that run and those that follow them, MOST at a time,
        if each takes as long as those before; None where that is not known."""
        if not self._ended:
            return None
        rounds, place = divmod(nth - 1, max(most, len(self._begun)))
        begun = next(islice(self._begun.values(), place, None), now)
        return rounds * self.mean_s + max(begun + self.mean_s - now, SOON * self.mean_s)
