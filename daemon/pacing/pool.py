"""One pool: the calls that share their limits, and what is known of these. Synchronous, no clock.

A pool's limits are its own (from headers, messages and configured model patterns) and those that it shares with the
other pools of the same key (configured without a model). `daemon.pacing.stops` says what keeps a call from going, and
`daemon.pacing.choosing` is the one step that moves the pool.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from daemon.model import Dimension, Origin, Reading, Scope
from daemon.pacing.backoff import Breaker, RetryBudget
from daemon.pacing.block import Block
from daemon.pacing.days import DayCount
from daemon.pacing.delayed import Delayed
from daemon.pacing.demand import Demand
from daemon.pacing.estimate import Calibration
from daemon.pacing.guess import Guess
from daemon.pacing.ledger import Ledger
from daemon.pacing.others import crowded
from daemon.pacing.outage import Outage
from daemon.pacing.outputs import Outputs
from daemon.pacing.queue import Costs, Entry, Queue
from daemon.pacing.settings import PacingSettings
from daemon.pacing.shapes import DAY_S, misfits_bucket
from daemon.pacing.slots import Ramp, Slots

INFINITE = float("inf")
Limit = Ledger | DayCount
"""What calls take from."""
MOST_PERIODS = 8
"""Of one dimension. A header that names ever new ones means something else by them, as what is left of a window."""


@dataclass(slots=True)
class Limits:
    """Limits of one pool, or shared by all pools of a key."""

    ledgers: dict[tuple[Dimension, float | None], Ledger] = field(default_factory=dict)
    """By dimension and stated period; None: the period is found out."""
    days: list[DayCount] = field(default_factory=list)
    slots: list[Slots] = field(default_factory=list)
    guesses: dict[Ledger, Guess] = field(default_factory=dict)
    """What is guessed of limits that nobody states."""


@dataclass(slots=True)
class Stop:
    """Why a call does not go now."""

    wait_s: float
    """Infinity: until something happens."""
    ledger: Ledger | None = None
    day: DayCount | None = None
    kept: bool = False
    """What is left of the day is kept for others."""
    may_open: bool = False
    """But answers that are under way may give back enough of it."""
    why: str = ""


class Pool:
    """The queue and the limits of one scope."""

    def __init__(self, scope: Scope, origin: Origin, shared: Limits, own: Limits, settings: PacingSettings) -> None:
        self.scope = scope
        self.settings = settings
        self.model: str | None = None
        """Of the first call; of others where a group of models shares its limits."""
        self.queue = Queue(settings.floor, (INFINITE, settings.age_normal_s, settings.age_batch_s))
        self.delayed = Delayed()
        self.block: Block | None = None
        self.hold_until = -INFINITE
        self.hold_why = ""
        self.past: deque[float] = deque(maxlen=64)
        """How long calls really waited, as parts of what was said when somebody looked."""
        self.in_flight = 0
        self.outputs = Outputs()
        self.kinds: set[str] = set()
        """Of the calls that it has seen: chat, embeddings, ..."""
        self.wake = INFINITE
        self.stop: Stop | None = None
        """Why the next call waits."""
        self.looked_at = -INFINITE
        """When it was last looked who waits in vain for today."""
        self.vain_at = -INFINITE
        """The same for all else that opens too late."""
        self.begin(origin, shared, own)

    def begin(self, origin: Origin, shared: Limits, own: Limits) -> None:
        """Begin with these limits, anew when the config was reloaded with other ones: what waits and what is under way
        stays, what was learned goes."""
        self.origin = origin
        self.shared = shared
        self.own = own
        settings, unit = self.settings, origin.minute_s / 60.0
        self.unit = unit
        """What a second of the settings is in this origin's time."""
        for dimension in ("requests", "tokens"):
            key: tuple[Dimension, float | None] = ("requests" if dimension == "requests" else "tokens", None)
            if key not in own.ledgers:
                own.ledgers[key] = Ledger(key[0], origin.minute_s, origin.minute_s, share=origin.share)
        most = max([settings.max_in_flight, *(slots.top for slots in (*own.slots, *shared.slots))])
        self.slots = Slots(most, most)
        self.all_slots = (self.slots, *own.slots, *shared.slots)
        """Each call that is under way has one of each of these."""
        for slots in (self.slots, *own.slots):
            slots.used = self.in_flight
        self.told = any(ledger.source == "config" for x in (own, shared) for ledger in x.ledgers.values())
        """The user's config states limits."""
        self.ramp = Ramp(settings.first_burst, origin.minute_s / 600.0, 2 * origin.minute_s, heard=self.told)
        self.demand = Demand(settings.reserve)
        self.budget = RetryBudget(settings.budget_share, settings.budget_least, 2 * origin.minute_s)
        self.breaker = Breaker(2 * origin.minute_s)
        self.batch_hold = -INFINITE
        self.outage = Outage(settings.backoff_base_s, settings.backoff_cap_s, unit)
        self.refusals: deque[float] = deque(maxlen=100)
        self.accepted = 0
        """Answers since the last rate refusal."""
        self.recalled = False
        """What was known of the limits before a restart has been taken over."""
        self.noted_at = -INFINITE
        """When it was last written down."""
        self.passed_at = -INFINITE
        """When the provider last let a call through."""
        self.smallest: tuple[Ledger, float] | None = None
        """Of those that may pass who waits for this limit, the least that one needs; None: not known."""
        self.days = own.days + shared.days
        self._all: tuple[Ledger, ...] = ()
        self._gather()
        for taken in self.ledgers:
            taken.users += 1
        self.ramp.gap_s = self.first_gap_s(-INFINITE)
        self.slots.expect(self.a_minute())

    def __repr__(self) -> str:
        why = f", next in {self.stop.wait_s:.1f} s ({self.stop.why})" if self.stop else ""
        name = f"{self.scope.host}/{self.scope.group}"
        return f"<Pool {name}: {self.in_flight} running, {self.waiting} waiting{why}>"

    @property
    def waiting(self) -> int:
        """How many calls wait, in the line and beside it."""
        return self.queue.waiting + len(self.delayed.live)

    @property
    def ledgers(self) -> tuple[Ledger, ...]:
        return self._all

    @property
    def all_limits(self) -> tuple[Limit, ...]:
        """Those of a day or month, too."""
        return (*self._all, *self.days)

    def limits_with(self, ledger: Ledger) -> Limits:
        """The limits to which LEDGER belongs."""
        return self.shared if ledger in self.shared.ledgers.values() else self.own

    def guess_of(self, ledger: Ledger) -> Guess | None:
        """What is guessed of LEDGER, if nobody states it."""
        return self.own.guesses.get(ledger) or self.shared.guesses.get(ledger)

    def least_requests(self) -> float:
        """Return the smallest known limit of requests below a day's, 64 when there is none."""
        return min((cap for cap, _ in self._requests()), default=64.0)

    def a_minute(self) -> float:
        """Return how many requests the known limits below a day's let through in a minute, 0 when there is none."""
        return min((cap * self.origin.minute_s / period_s for cap, period_s in self._requests()), default=0.0)

    def _requests(self) -> Iterator[tuple[float, float]]:
        for ledger in self._all:
            if ledger.dimension == "requests" and ledger.period_s < DAY_S and (cap := ledger.cap) is not None:
                yield cap, ledger.period_s

    def first_gap_s(self, now: float) -> float:
        """Return the gap between the first calls. A large limit needs a shorter one; with limits that the user states
        it is longer, as not even one refusal is expected then: but the provider may hold them in slices. Those that do
        so state resets of a bucket; where resets are a window's, there is less to fear."""
        minute, rough, fine = self.origin.minute_s, *((400.0, 6.0) if self.told else (600.0, 8.0))
        gap_s = min(minute / rough, minute / (fine * self.least_requests()))
        return 0.4 * gap_s if not self.crowded(now) and any(_windowed(ledger) for ledger in self._all) else gap_s

    def crowded(self, now: float) -> bool:
        """True if others use the key."""
        return any(crowded(ledger, now) for ledger in self._all)

    def ledger_for(self, reading: Reading) -> Ledger:
        """Return the pool's own ledger that READING speaks of; made when it is new."""
        found = self.own.ledgers.get((reading.dimension, None))
        if reading.period_s is None and found is not None:
            return found
        period = self.scaled(reading.period_s)
        for (dimension, stated), ledger in self.own.ledgers.items():
            if dimension == reading.dimension and stated is not None and stated == period:
                return ledger
        is_minute = found is not None and period is not None and abs(period - self.origin.minute_s) < 1e-9
        if not is_minute and sum(one == reading.dimension for one, _ in self.own.ledgers) >= MOST_PERIODS:
            period = None
        if period is None or is_minute:
            if found is None:
                found = Ledger(reading.dimension, self.origin.minute_s, self.origin.minute_s, share=self.origin.share)
                self.own.ledgers[(reading.dimension, None)] = found
                self._gather()
            found.known_period = found.known_period or period is not None
            return found
        ledger = Ledger(reading.dimension, period, self.origin.minute_s, known_period=True, share=self.origin.share)
        self.own.ledgers[(reading.dimension, period)] = ledger
        self._gather()
        return ledger

    def scaled(self, period_s: float | None) -> float | None:
        """A nominal period in this origin's time; days do not scale."""
        if period_s is None or period_s >= DAY_S:
            return period_s
        return period_s * self.unit

    # Moving

    def push(self, entry: Entry, now: float) -> None:
        """Line up, now or when its backoff is over."""
        if entry.ready_at > now:
            self.delayed.push(entry)
        else:
            self.smallest = None
            self.queue.push(entry)

    def wake_delayed(self, now: float) -> None:
        """Line up those whose backoff is over."""
        for entry in self.delayed.ready(now):
            self.smallest = None
            self.queue.push(entry)

    def leave(self, entry: Entry) -> None:
        """ENTRY waits no longer: its client has left, or it has had another answer."""
        self.queue.remove(entry)
        self.delayed.leave(entry)

    def know_output(self, model: str | None, known: Calibration) -> None:
        """How long answers of MODEL are is KNOWN: what waits is weighed anew."""
        self.outputs.know(model, known)
        for entry in (*self.queue.entries(), *self.delayed):
            self.weigh_again(entry)

    def begin_scales(self, now: float) -> None:
        """Until NOW the answers of a model were taken to be as long as any model's first one."""
        for ledger in self._all:
            if ledger.dimension in ("tokens", "output_tokens"):
                ledger.begin_scale(now)

    def weigh_again(self, entry: Entry) -> None:
        """Let ENTRY cost what is known of answers by now."""
        if costs := self.outputs.better_costs(entry, self.origin.provider):
            self.queue.recost(entry, costs)

    def gone(self, entry: Entry, now: float) -> None:
        """ENTRY goes: was it said right when?"""
        self.outage.goes(entry.call.id, now)
        if entry.told is not None and entry.told[1] > 0.5 * self.unit and entry.told[1] < INFINITE:
            self.past.append((now - entry.told[0]) / entry.told[1])

    def resumed(self, stood_still_s: float) -> None:
        """The machine slept. Careful growth begins anew: nothing bursts."""
        self.ramp.settled, self.accepted = False, 0
        for ledger in self._all:
            if stood_still_s > 0:
                ledger.shift(stood_still_s)
        if stood_still_s > 0:
            self.hold_until -= stood_still_s
            self.batch_hold -= stood_still_s
            self.outage.shift(stood_still_s)

    def _gather(self) -> None:
        self._all = (*self.own.ledgers.values(), *self.shared.ledgers.values())

    def share_of(self, costs: Costs) -> float:
        """The largest part that COSTS take of any known limit; all of one that lets nothing through."""
        share = 1.0 / 600.0
        for ledger in self._all:
            cap, cost = ledger.cap, costs.get(ledger.dimension, 0.0)
            if cap is not None and cost > share * cap:
                share = cost / cap if cap else max(share, 1.0)
        return share


def _windowed(ledger: Ledger) -> bool:
    """True if the last two answers cannot come from a bucket that holds the limit of a minute."""
    last = [s for s in ledger.samples[-2:] if s.counted and s.reset_s is not None]
    return ledger.dimension == "requests" and len(last) == 2 and all(misfits_bucket(s, ledger.period_s) for s in last)


PERIOD_WORDS = {1.0: "second", 60.0: "minute", 3600.0: "hour"}


def period_word(ledger: Ledger) -> str:
    """`minute`, or `10 s` for a period without a name. In a scaled world its minute is called a minute."""
    if ledger.period_s >= DAY_S:
        days = round(ledger.period_s / DAY_S)
        return "day" if days == 1 else f"{days} days"
    nominal = ledger.period_s * 60.0 / ledger.minute_s
    for seconds, word in PERIOD_WORDS.items():
        if abs(nominal - seconds) < 0.01 * seconds:
            return word
    return f"{ledger.period_s:g} s"
