"""One limit of a provider, and what of it is left: an anchored ledger.

What may be sent now is the least of: what our own charges leave of the limit (safe however the provider counts), and
what the newest answer, by order of sending, said was left, minus what we have sent since, plus what has flowed back.
Pure arithmetic: time is an argument, nothing waits here. `daemon.pacing.learning` feeds it with answers.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from daemon.model import Dimension
from daemon.pacing.blocks import Charge
from daemon.pacing.charges import ChargeLog, Window
from daemon.pacing.level import Level
from daemon.pacing.looks import looks_for_refunds
from daemon.pacing.others import spare, theirs
from daemon.pacing.reshaping import level_up
from daemon.pacing.shapes import Sample, Shape
from daemon.pacing.sums import RunningSum
from daemon.pacing.waits import edge_wait_s, refill_wait_s, slice_wait_s

GUARD_S = 0.05
"""A call exists on the server later than in our log; measured 40-50 ms locally under a burst. Scales with the minute
below 60 s only down to this, since connections do not get faster."""
INFINITE = float("inf")


@dataclass(slots=True)
class Anchor:
    """The newest thing the provider said about this limit."""

    seq: int
    at: float
    """The instant of which `remaining` is taken to speak."""
    remaining: float
    full_at: float | None
    """When it said that the limit would be whole again."""
    sent_after: float = 0.0
    refunded_after: float = 0.0
    left_after: float = 0.0
    """Windows: what it still counted, and has left since."""
    looked: bool = False
    """A call has gone since it was said to be whole again: if that was refused, it was not."""


@dataclass(slots=True)
class Comparison:
    """Our charges beside the fall of `remaining`, over some calls in a row."""

    begun: float = 0.0
    ours: float = 0.0
    theirs: float = 0.0
    blur: float = 0.0
    """What was in flight together with the first of them."""
    count: int = 0


@dataclass(slots=True, eq=False)
class Ledger:
    """One limit. Build with `Ledger(dimension, period_s)` and set `limit` or `ceiling`; without both it holds nothing
    back."""

    dimension: Dimension
    period_s: float
    minute_s: float = 60.0
    known_period: bool = False
    """The period is stated (config, header name) and is not to be found out."""
    limit: float | None = None
    """What the provider states."""
    ceiling: float | None = None
    """What the user's config, or a guess after bare 429s, allows."""
    share: float = 1.0
    source: str = "header"
    """config, header, message or guess."""
    seen_at: float | None = None
    shape: Shape = "unknown"
    slices: int = 1
    """Into how many equal parts of the period the provider cuts the limit."""
    slice_boundary: float | None = None
    """An instant at which a slice begins; None: only their length is known."""
    slice_blur_s: float = 0.0
    """So much earlier it may be."""
    boundary: float | None = None
    """With shape fixed: the start of the present window."""
    scale: float = 1.0
    """What the provider charges for one unit of our estimate."""
    compared: Comparison = field(default_factory=Comparison)
    scaled_at: float = -INFINITE
    """When `scale` was last changed."""
    guard_s: float = GUARD_S
    other_rate: float = 0.0
    """What others on the same key use, units a second (buckets)."""
    others_from: Anchor | None = None
    """The answer since which it is looked for others (buckets)."""
    others: deque[float] = field(default_factory=lambda: deque(maxlen=5))
    """What the last answers had counted beyond our own charges (windows)."""
    foreign: float = 0.0
    """What others on the same key use in one period (windows)."""
    caution: float = 0.0
    """Kept free in a bucket, since somebody else was faster."""
    slice_others: float = 0.0
    """What others take in a slice."""
    sliced_at: float = -INFINITE
    """When it was found out that there are slices."""
    big: Charge | None = None
    """The last charge that was larger than a slice."""
    carries: bool = False
    """What such a charge has too much, the next slices lack: found out by a refusal."""
    met_others_at: float = -INFINITE
    """When a call was refused although ours alone would have fitted."""
    refunds: bool = False
    """The provider gives back what was reserved and not used."""
    refund_votes: int = 0
    refund_looks: int = 0
    refund_look: int = 0
    """The last call that was sent to see whether unused reservations come back."""
    unused: RunningSum = field(default_factory=RunningSum)
    """What was reserved and not used, by when that was known."""
    stamp_votes: int = 0
    admission_stamps: bool = False
    """`remaining` speaks of the instant of admission even when it comes with a late answer."""
    hold_until: float = -INFINITE
    ask_at: float = INFINITE
    """While it is held for longer than calls wait: from then on one may look all the same (`daemon.pacing.looks`)."""
    ask_s: float = INFINITE
    """And after each look the next, so much later."""
    asked: int = 0
    """The last call that looked so."""
    look_at: float = INFINITE
    """From then on one call at a time may go although our own sum is used up (`daemon.pacing.guess`)."""
    told_at: float = INFINITE
    """The provider has said that a refused call would fit from then on: one may look, whatever our own sum says."""
    anchor: Anchor | None = None
    zeros: int = 0
    """Calls in a row that were let through although nothing was left, as their answers said."""
    users: int = 0
    """How many pools take from it."""
    heard_by: Ledger | None = None
    """The ledger of the same limit that the provider's answers feed, where this one is the config's."""
    samples: list[Sample] = field(default_factory=list)
    server: Level | None = None
    """Shape bucket: what the provider has, as far as its last answer tells."""
    house: Level | None = None
    """Shape bucket: what we allow ourselves, when that is less."""
    rolled_at: float = -INFINITE
    log: ChargeLog = field(init=False)

    def __post_init__(self) -> None:
        self.log = ChargeLog(Window(self.period_s), guard_s=self.guard_s)

    @property
    def cap(self) -> float | None:
        """The limit that binds us, after config and share; None when nothing is known."""
        limit, ceiling = self.limit, self.ceiling
        if limit is None:
            return None if ceiling is None else ceiling * self.share
        return (limit if ceiling is None or limit < ceiling else ceiling) * self.share

    @property
    def rate(self) -> float:
        """Units a second that the provider grants; 0 when nothing is known."""
        limit = self.limit if self.limit is not None else self.ceiling
        return limit / self.period_s if limit is not None else 0.0

    # What may go now

    def avail(self, now: float) -> float:
        """Return how much may be sent at NOW; negative when more was sent than the limit held; infinity when it is
        unknown."""
        cap = self.cap
        if cap is None:
            return INFINITE
        self.roll(now)
        return min(cap, self.own(cap, now), self.anchored(now))

    def wait_s(self, cost: float, now: float, reserve: float = 0.0, kept: float = 0.0) -> float:
        """Return the seconds until COST may be sent and RESERVE be left, or KEPT of a slice that has just begun.

        A cost above the limit, or above what others leave of it, waits until nothing of ours counts: let the provider
        decide then (see `Pool` for what is refused).
        """
        held = max(0.0, self.hold_until - now)
        cap = self.cap
        if cap is None or cost <= 0:
            return held
        self.roll(now)
        need = cost if reserve <= 0 and cost <= cap else min(cap, cost + max(0.0, min(reserve, cap - cost)))
        wait = held if self.slices <= 1 else max(held, slice_wait_s(self, min(cost, cap), cap, now, kept))
        left = min(cap, self.own(cap, now), self.anchored(now))
        if left < need - 1e-9:
            need = min(need, cap - theirs(self, now))
        if left >= need - 1e-9:
            return max(wait, edge_wait_s(self, now))
        return max(wait, refill_wait_s(self, need, cap, now))

    def closes_before(self, at: float, cost: float, head: float, now: float) -> bool:
        """True if COST may go now without making HEAD wait beyond AT: a new window or slice begins by then."""
        if self.slices > 1 and self.log.slices is not None:
            return self.avail(now) - cost >= min(head, (self.cap or INFINITE) / self.slices)
        if self.shape != "fixed" or self.boundary is None:
            return False
        return at >= self.boundary + self.period_s - self.guard_s

    def take(self, seq: int, cost: float, now: float) -> Charge:
        """Charge COST for the attempt SEQ."""
        charge = Charge(seq, now, cost, cost)
        self.roll(now)
        if self.log.dense:
            self.log.thin(now, self.guard_s, self._alone())
        if looks_for_refunds(self, cost, now):
            self.refund_looks += 1
            self.refund_look = seq
        if now >= self.told_at:
            self.told_at = INFINITE
        if now < self.hold_until:
            self.asked, self.ask_at = seq, now + self.ask_s
        self.log.add(charge)
        if self.slices > 1 and cost > (self.cap or INFINITE) / self.slices:
            self.big = charge
        self._stand(charge)
        if self.anchor is not None:
            self.anchor.sent_after += cost
            self.anchor.looked |= self.anchor.full_at is not None and now >= self.anchor.full_at
        if self.server is not None:
            self.server.take(cost, now)
        if self.house is not None:
            self.house.take(cost, now)
        return charge

    def undo(self, charge: Charge) -> None:
        """The provider did not count it: take the charge out."""
        if not charge.gone:
            if charge.seq == self.refund_look:
                self.refund_votes -= 1
            charge.gone = True
            self._change(charge, 0.0, refund=False)

    def settle(self, charge: Charge, actual: float, now: float, *, guessed: bool = False) -> float:
        """The body has ended and cost ACTUAL: correct the charge; return what comes back (negative: it cost more).

        Less than reserved counts as given back only where the provider has shown that it does so; or where it was
        GUESSED what to reserve: then the provider has not reserved it.
        """
        if charge.gone:
            return 0.0
        back = charge.amount - max(0.0, actual)
        self.log.cost(charge, max(0.0, actual))
        if back > 0 and guessed:
            self._change(charge, max(0.0, actual), refund=False)
            return back
        if back > 0:
            self.unused.add(now, back)
            if not self.refunds:
                return 0.0
        if self.shape == "fixed" and self.boundary is not None and charge.at < self.boundary:
            return 0.0  # that window is over
        self._change(charge, max(0.0, actual), refund=True)
        return back

    def begin_scale(self, now: float) -> None:
        """What calls cost is known better from NOW on: what was charged before says nothing of how much less the
        provider charges."""
        self.scale, self.scaled_at, self.compared = 1.0, now, Comparison()

    def hold(self, until: float) -> None:
        """Let nothing go before UNTIL: the provider said so, or it is looked again then."""
        self.hold_until = max(self.hold_until, until)

    # What is known changes

    def shift(self, seconds: float) -> None:
        """The machine slept, and our clock did not count it: everything is SECONDS older."""
        self.log.shift(seconds)
        self.unused.shift(seconds)
        self.rolled_at = -INFINITE
        self.hold_until -= seconds
        self.look_at -= seconds
        self.told_at -= seconds
        self.ask_at -= seconds
        self.scaled_at -= seconds
        self.met_others_at -= seconds
        self.sliced_at -= seconds
        if self.anchor is not None:
            self.anchor.at -= seconds
            if self.anchor.full_at is not None:
                self.anchor.full_at -= seconds
        self.others_from = None
        if self.boundary is not None:
            self.boundary -= seconds
        if self.slice_boundary is not None:
            self.slice_boundary -= seconds
        for level in self._levels():
            level.at -= seconds
        self.samples.clear()

    def give_back(self) -> None:
        """The provider has shown that it gives back what is not used: so do the charges in our sums."""
        self.refunds = True
        for charge in self.log.entries:
            if charge.actual is not None and charge.actual < charge.amount:
                if self.house is not None:
                    self.house.give(charge.amount - charge.actual)
                self.log.change(charge, charge.actual)

    # Inside

    def _levels(self) -> tuple[Level, ...]:
        return tuple(level for level in (self.server, self.house) if level is not None)

    def roll(self, now: float) -> None:
        """Let old charges leave, and a new fixed window begin."""
        if now == self.rolled_at:
            return
        self.rolled_at = now
        a = self.anchor
        floor = a.at - self.period_s + self.guard_s if a is not None else INFINITE
        left = self.log.advance(now, self.guard_s, floor)
        if a is not None:
            a.left_after += left
        if self.boundary is not None and now >= self.boundary + self.period_s:
            self.boundary += (now - self.boundary) // self.period_s * self.period_s
        if self.boundary is not None:
            self.spent(self.boundary)

    def spent(self, boundary: float) -> float:
        """Return what we have sent in the fixed window that began at BOUNDARY, and so shortly before that the server
        may have counted it there."""
        return self.log.since_mark(self.log.period_mark, boundary - self.guard_s)

    def _stand(self, charge: Charge) -> None:
        """Note what the server has counted of ours when CHARGE comes: at least, and at most."""
        log = self.log
        log.advance_way(charge.at, self.guard_s)
        fixed = self.shape == "fixed" and self.boundary is not None
        charge.most = log.period_mark.total if fixed else log.window.total
        surely = charge.most if fixed else log.inside.total
        charge.least = max(charge.amount, surely - log.lately.total + charge.amount)

    def own(self, cap: float, now: float) -> float:
        """What our own charges leave of the limit."""
        if self.shape == "bucket":
            return self.house_left(cap, now)
        ours = self.log.window.total
        if self.shape == "fixed" and self.boundary is not None:
            ours = self.spent(self.boundary)
        return cap - theirs(self, now) - ours

    def house_left(self, cap: float, now: float) -> float:
        """With a bucket, our own sum matters only where we allow ourselves less than the provider does."""
        if self.house is None:
            level_up(self, now)
        if self.house is None or (self.server is not None and self.limit is not None and cap >= self.limit):
            return cap
        return self.house.now(now)

    def anchored(self, now: float) -> float:
        """What the provider's newest answer leaves."""
        a = self.anchor
        if a is None or self.limit is None:
            return INFINITE
        spared = self.limit - self.limit * self.share
        if self.shape == "bucket":
            left = self.server.now(now - self.guard_s) if self.server is not None else INFINITE
            return left - spared - spare(self)
        left = a.remaining - a.sent_after + a.refunded_after - spared
        if self.shape == "fixed" and self.boundary is not None:
            return left if a.at >= self.boundary - self.guard_s else INFINITE
        if now >= self.void_at(a):
            return INFINITE
        return left + a.left_after

    def void_at(self, a: Anchor) -> float:
        """When an answer of a window has nothing more to say: the limit was whole by then."""
        void = a.at + self.period_s
        return (min(void, a.full_at) if a.full_at is not None else void) + self.guard_s

    def _alone(self) -> tuple[int, ...]:
        """Numbers of charges that something counts from: these stay single ones."""
        known = (self.anchor, self.others_from, self.big)
        return tuple(one.seq for one in known if one is not None)

    def _change(self, charge: Charge, amount: float, *, refund: bool) -> None:
        """Set what CHARGE counts, in all sums that it is part of. What is REFUNDed, the newest answer did not know
        yet."""
        back = charge.amount - amount
        self.log.change(charge, amount)
        a = self.anchor
        later = a is None or charge.seq > a.seq
        if a is not None and later:
            a.sent_after -= back
        elif a is not None and refund:
            a.refunded_after += back
        if self.house is not None:
            self.house.give(back)
        if self.server is not None and (later or refund):
            self.server.give(back)
