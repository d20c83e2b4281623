"""Counters for a day and a month, of the calendar or refilled continuously.

They survive a restart, and a kill -9 loses none of what was sent.

What is about to be sent is written down first (one by one for small limits, in parts of 1 % for big ones), what was
answered a little later. After a crash the difference is uncertain: those calls may have been counted or not. They
count as used, but when the limit is reached they are tried one at a time, until the provider says no.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import tzinfo
from math import ceil

from daemon.daybreak import resets_in_s, start_of, zone_of
from daemon.model import Dimension, Limit, Memory
from daemon.pacing.blocks import Charge
from daemon.pacing.shapes import DAY_S

KIND = "pacing.days"
ROLLING = frozenset({"openai", "groq"})
"""Providers whose days flow back continuously (see `RollingDay`)."""
INFINITE = float("inf")
DAY_KEPT_S = 3600.0
"""So long after a person's call batch leaves the end of the limit to the next one."""
LOOK_S = 600.0
"""So long after the provider has said that a day is used up, one call looks whether that still holds."""


@dataclass(slots=True, eq=False)
class DayCount:
    """One limit per day or month. The wall clock is asked here only."""

    dimension: Dimension
    amount: float
    period: str
    key: str
    """Under which it is remembered."""
    zone: tzinfo
    wall: Callable[[], float]
    memory: Memory | None = None
    share: float = 1.0
    soft: float = 0.1
    """The part that is left to interactive calls."""
    start: float = 0.0
    used: float = 0.0
    written: float = 0.0
    """What stands on disk as sent: never less than `used`."""
    done: float = 0.0
    uncertain: float = 0.0
    shut: bool = False
    """The provider itself said that the day is used up."""
    look_at: float = -INFINITE
    """Unix time from which one call looks all the same: the provider may have counted otherwise than we believe."""
    scale: float = 1.0
    person_at: float = 0.0
    """When a person's call was last counted (Unix time). It is remembered with the counts."""
    _open: set[int] = field(default_factory=set)
    """Numbers of the attempts that are neither answered nor over."""
    _owed: dict[int, float] = field(default_factory=dict)
    """What is reserved for answers whose end has not been seen, by the numbers of their attempts."""
    _look: int = -1
    """The last call that looked."""
    _before: tuple[float, float] = (-INFINITE, 0.0)
    """The period before this one, and what was used in it."""

    def __post_init__(self) -> None:
        self.start = start_of(self.period, self.wall(), self.zone)
        if self.memory is not None:
            self._recall(self.memory.recall(KIND).get(self.key))

    @property
    def cap(self) -> float:
        return self.amount * self.share

    @property
    def rolls(self) -> bool:
        """It flows back all the time."""
        return False

    def counts_like(self, other: DayCount) -> bool:
        """True if OTHER, of the same key, counts as this one does; how much it allows does not matter."""
        return type(self) is type(other) and self.zone == other.zone

    def left(self) -> float:
        """Return what may still be sent in this period, without what is uncertain."""
        self._turn()
        return 0.0 if self.shut else max(0.0, self.cap - self.used)

    @property
    def reserve(self) -> float:
        """What batch leaves of it to persons."""
        return self.soft * self.cap

    def kept_s(self) -> float:
        """Return for how many seconds more it does so: none, if no person has asked lately."""
        wall = self.wall()
        self.person_at = min(self.person_at, wall)  # a clock that jumped back does not keep it for longer
        return max(0.0, self.person_at + DAY_KEPT_S - wall)

    def wait_s(self, cost: float, reserve: float = 0.0, ahead: float = 0.0) -> float:
        """Return the seconds until COST fits behind what others take AHEAD of it, and RESERVE stays. What is more than
        the whole limit fits when nothing is used up: mostly it is an answer's maximum, and the answer is shorter."""
        self._turn()
        if self.shut:
            return self.resets_in_s() if self.wall() < self.look_at else 0.0
        if self._lack(cost, reserve, ahead) <= 1e-9 or self._tries(cost, reserve):
            return 0.0
        return self.resets_in_s()

    def may_open(self, cost: float, ahead: float = 0.0) -> bool:
        """True if COST may fit beside what is kept for persons as soon as answers that are under way have ended, and
        given back what was reserved for them."""
        return sum(self._owed.values()) >= self._lack(cost, self.reserve, ahead)

    def _tries(self, cost: float, reserve: float) -> bool:
        """True if COST may go since it is uncertain whether so much was used; not of the end that is kept."""
        return reserve <= 0 and self.uncertain >= cost > 0 and not self._open

    def _lack(self, cost: float, reserve: float, ahead: float) -> float:
        """What must come back before COST fits; 0 or less: it does."""
        return self.used + ahead + min(self.cap, cost + reserve) - self.cap

    def resets_in_s(self) -> float:
        """Return the seconds until the counter begins anew."""
        wall = self.wall()
        ahead = max(wall, self.start)
        return ahead - wall + resets_in_s(self.period, ahead, self.zone)

    def take(self, seq: int, cost: float, now: float, *, person: bool = False) -> Charge:
        """Count COST, on disk before this returns. PERSON: it is a person's call."""
        self._turn()
        self._asked(person)
        if self.used + cost > self.cap and self.uncertain >= cost:
            self.uncertain -= cost
        else:
            self.used += cost
        self._open.add(seq)
        self._owe(seq, cost)
        if self.shut:
            self._look, self.look_at = seq, self.wall() + LOOK_S
        self._reserve(cost)
        return Charge(seq, now, cost, cost, period_start=self.start)

    def enlarge(self, charge: Charge, cost: float, *, person: bool = False) -> None:
        """COST more goes with the attempt of CHARGE, on disk before this returns."""
        self._asked(person)
        charge.amount += cost
        charge.reserved += cost
        self.used += cost
        self._owe(charge.seq, cost)
        self._reserve(cost)

    def undo(self, charge: Charge) -> None:
        """The provider did not count it."""
        if charge.gone:
            return
        charge.gone = True
        self.ended(charge)
        if self._counts(charge):
            self.used = max(0.0, self.used - charge.amount)
            self._write()

    def settle(self, charge: Charge, actual: float) -> float:
        """It cost ACTUAL."""
        if charge.gone:
            return 0.0
        self._owed.pop(charge.seq, None)
        back = charge.amount - actual
        if self._counts(charge):
            self.used = max(0.0, self.used - back)
            self._write()
        charge.amount = actual
        return back

    def answered(self, charge: Charge) -> None:
        """The provider took it: it is certain now. If it was a look, the day is not used up."""
        if charge.seq == self._look:
            self.shut = False
        self._open.discard(charge.seq)
        if self._counts(charge):
            self.done += charge.amount
            self._write()

    def ended(self, charge: Charge) -> None:
        """Nothing more comes of it: its client has left, or the connection broke."""
        self._open.discard(charge.seq)
        self._owed.pop(charge.seq, None)

    def _owe(self, seq: int, cost: float) -> None:
        """An answer may give back something of COST; a request never does."""
        if self.dimension != "requests":
            self._owed[seq] = self._owed.get(seq, 0.0) + cost

    def _asked(self, person: bool) -> None:
        if person:
            self.person_at = self.wall()

    def refused(self) -> None:
        """The provider says that the period is used up: then it is, whatever we counted, until a look shows that it is
        not."""
        self._turn()
        self.shut, self.look_at = True, self.wall() + LOOK_S
        self.uncertain = 0.0
        self._write()

    def _counts(self, charge: Charge) -> bool:
        """True if CHARGE belongs to this period."""
        return charge.period_start == self.start

    def _turn(self) -> None:
        """Begin anew when the period is over. A wall clock that jumped back does not reopen an old one; but a period
        that begins more than a day from now comes from one that was ahead, and its count is of this one."""
        wall = self.wall()
        start = start_of(self.period, wall, self.zone)
        if start > self.start:
            self._before = (self.start, self.used)
            self.start, self.used, self.written, self.done, self.uncertain, self.shut = start, 0.0, 0.0, 0.0, 0.0, False
        elif self.start > wall + DAY_S:
            self.start = start
            if self._before[0] == start:
                self.used += self._before[1]

    def _recall(self, text: str | None) -> None:
        """Take over what was on disk; a start that lies in the future by more than a day is distrusted, its count
        kept."""
        try:
            kept = json.loads(text or "{}")
            start, written, done = float(kept["start"]), float(kept["written"]), float(kept["done"])
            self.person_at = min(float(kept.get("person", 0.0)), self.wall())
        except (ValueError, KeyError, TypeError):
            return
        if start < self.start or not (0 <= written < INFINITE and 0 <= done < INFINITE):
            return
        if start <= self.wall() + DAY_S:
            self.start = start
        self.used = self.written = written
        self.done = min(done, written)
        self.uncertain = written - self.done
        self.shut = bool(kept.get("shut", False))

    def _reserve(self, cost: float) -> None:
        """Write down COST more, and a little ahead, so that not every call writes."""
        if self.used > self.written:
            self.written = min(max(self.used, self.used - cost + ceil(self.cap / 100)), max(self.cap, self.used))
            self._write(at_once=True)

    def _write(self, *, at_once: bool = False) -> None:
        if self.memory is None:
            return
        counts = {"start": self.start, "written": self.written, "done": self.done, "shut": self.shut}
        value = json.dumps({**counts, "person": self.person_at})
        if at_once:
            self.memory.remember_now(KIND, self.key, value)
        else:
            self.memory.remember(KIND, self.key, value)


@dataclass(slots=True, eq=False)
class RollingDay(DayCount):
    """A day's limit that flows back all the time, all of it in 24 hours: after 10,000 requests the next one is let
    through 8.64 s later, not at midnight. `start` is the instant for which the counts hold.

    OpenAI and Groq state such resets for their requests a day (`x-ratelimit-reset-requests: 8.64s` after one of 10,000;
    Groq's documents: 2m59.56s after 30 of 14,400).
    """

    def __post_init__(self) -> None:
        self.start = self.wall()
        if self.memory is not None:
            self._recall(self.memory.recall(KIND).get(self.key))

    @property
    def rolls(self) -> bool:
        return True

    def wait_s(self, cost: float, reserve: float = 0.0, ahead: float = 0.0) -> float:
        self._turn()
        lack = self._lack(cost, reserve, ahead)
        if lack <= 1e-9 or self._tries(cost, reserve):
            return 0.0
        return lack * DAY_S / self.cap

    def resets_in_s(self) -> float:
        """Return the seconds until all of it is there again."""
        self._turn()
        return max(0.001, self.used * DAY_S / self.cap)

    def refused(self) -> None:
        self._turn()
        self.uncertain = 0.0
        self.used = max(self.used, self.cap)
        self._write()

    def _counts(self, charge: Charge) -> bool:
        return True

    def _turn(self) -> None:
        wall = self.wall()
        back = max(0.0, wall - self.start) * self.cap / DAY_S
        if self.start > wall + DAY_S:  # it was ahead: from now on it flows back again
            self.start = wall
        if back > 0:
            self.start = wall
            for name in ("used", "written", "done"):
                setattr(self, name, max(0.0, getattr(self, name) - back))
            self.uncertain = min(self.uncertain, self.used)

    def _recall(self, text: str | None) -> None:
        now, self.start = self.start, 0.0
        DayCount._recall(self, text)
        if not 0.0 < self.start <= now:  # nothing kept, or from a wall clock that ran ahead: keep the count
            self.start = now
        self._turn()


def day_count(
    limit: Limit, key: str, provider: str, wall: Callable[[], float], memory: Memory | None, share: float
) -> DayCount:
    """Return the counter for LIMIT, a configured one per day or month."""
    rolls = limit.period == "day" and provider in ROLLING
    kind = RollingDay if rolls else DayCount
    return kind(limit.dimension, limit.amount, str(limit.period), key, zone_of(provider), wall, memory, share)
