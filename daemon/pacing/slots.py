"""How many at once: a concurrency limit, and careful growth while limits are unknown."""

from __future__ import annotations

from dataclasses import dataclass, field

from daemon.pacing.turns import Turns

INFINITE = float("inf")
MOST = 1000.0
"""Calls under way at once, whatever a provider lets through: each has a connection to it, and the process may have 4096
files open."""
SPARE = 8
"""Calls of persons beyond a limit that nobody stated."""
FIRST = 8
"""Answers that show how long one takes with few others beside it."""
QUEUED = 3.0
"""So many times as long: the provider, or a server of one's own, lets calls wait. More of them at once gain nothing."""


@dataclass(slots=True)
class Slots:
    """Calls in flight. A refusal for concurrency or overload lowers the limit, successes raise it again (AIMD). Where
    nobody says how many may be, as many more are tried as were answered, as in TCP's slow start."""

    limit: float = 64.0
    top: float = 64.0
    """Configured, as learned from a header, or as far as it has been tried: a limit that was lowered grows to here."""
    used: int = 0
    stated: bool = False
    """`top` is what the provider, or the user, states as the limit."""
    turns: Turns = field(default_factory=Turns)
    _credit: float = 0.0
    _answers: int = 0
    _took_s: float = 0.0
    """Of the first answers, together."""
    _lowered_at: float = -INFINITE
    _regain: float = 0.0
    """Up to here `limit` comes back sooner: it was there before the provider was overloaded."""

    def free(self, *, urgent: bool = False, kept: int = 0) -> bool:
        """True if one more may go, and so many are KEPT. Where only we have drawn the line, URGENT calls pass it: a
        person must not wait until one of many long answers has ended."""
        return self._room(urgent, kept) > 0

    def free_in_s(self, ahead: int, now: float, *, urgent: bool = False, kept: int = 0) -> float | None:
        """Return the seconds until one more may go after so many AHEAD of it; None where nobody knows how long those
        that run will take."""
        room = self._room(urgent, kept)
        if room > ahead:
            return 0.0
        wait = self.turns.ends_in_s(ahead + 1 - room, int(self.limit + 1e-9), now)
        return 0.0 if wait is None and room > 0 else wait

    def _room(self, urgent: bool, kept: int) -> int:
        """How many more may go; below zero when the limit has been lowered."""
        spare = SPARE if urgent and not self.stated and self._lowered_at == -INFINITE else 0
        return int(self.limit + 1e-9) + spare - self.used - kept

    def take(self, seq: int, now: float) -> None:
        """The call with the permit SEQ goes."""
        self.used += 1
        self.turns.begin(seq, now)

    def give(self, seq: int, now: float, *, whole: bool) -> None:
        """It has ended; WHOLE: with an answer."""
        self.used = max(0, self.used - 1)
        self.turns.end(seq, now, whole=whole)

    def succeeded(self, took_s: float) -> None:
        """A call was answered after TOOK_S seconds. After a refusal one more slot for each round of successes, or after
        an overload for each second one; one for each while all are used, nobody has stated or shown a limit, and
        answers take no longer for it."""
        if self._answers < FIRST:
            self._answers += 1
            self._took_s += took_s
        if self.limit >= self.top:
            if not self.stated and self.used >= self.limit < MOST and took_s * FIRST <= QUEUED * self._took_s:
                self.limit = self.top = min(MOST, self.limit + 1)
            return
        self._credit += 1
        if self._credit >= (2 if self.limit < self._regain else self.limit):
            self._credit = 0.0
            self.limit = min(self.top, self.limit + 1)

    def too_many(self, sent_at: float, now: float, *, passing: bool = False) -> None:
        """Too many at once: go down to 70 %, once per round trip (refusals of calls sent before the last cut do not
        count). PASSING: the provider was overloaded, which says nothing of what it takes in a moment."""
        if sent_at <= self._lowered_at:
            return
        self._lowered_at = now
        self._credit = 0.0
        self._regain = max(self._regain, self.limit) if passing else 0.0
        self.limit = max(1.0, 0.7 * min(self.limit, self.used + 1.0))

    def cap(self, most: float) -> None:
        """A stated limit is the ceiling up to which the limit grows."""
        self.stated = True
        self._reach(most)

    def expect(self, a_minute: float) -> None:
        """So many calls A_MINUTE are let through. Up to MOST of them may be under way at once, since an answer may take
        a minute: at 64 a limit of 600 a minute was used to a quarter where answers took twenty seconds (measured)."""
        if not self.stated and a_minute > self.top:
            self._reach(min(a_minute, MOST))

    def _reach(self, top: float) -> None:
        """The ceiling is TOP from now on; a limit that was lowered still has to grow."""
        at_top = self.limit >= self.top
        self.top = top
        self.limit = top if at_top else min(self.limit, top)


@dataclass(slots=True)
class Ramp:
    """Careful growth while limits are unknown: four calls at once, then one after another with a gap.

    A refusal comes back faster than an answer: with a gap between sendings an unknown short limit costs one or two
    refusals, not a dozen. Waiting for answers instead (twice as many each round trip) took a sixth of a minute to
    come up to speed, and lost a whole window that was about to end.
    """

    first: int
    gap_s: float
    """Between sendings beyond the first burst."""
    idle_s: float
    """A pause longer than a fortieth of this allows a burst again."""
    last_at: float = -INFINITE
    settled: bool = False
    """The limits are known: a short gap is enough."""
    burst: int = 0
    """Sent without a gap since the last pause."""
    burst_share: float = 0.0
    """The part of a known limit that these take: beyond a twelfth the next one keeps a gap, as the limit may hold in
    slices, and a slice of a sixth must not cost four refusals."""
    unanswered: int = 0
    heard: bool = False
    """An answer has come, or the user has stated the limits. Before that the gap is a sixtieth of a minute: the first
    answer mostly tells the limits, and a limit of six a minute must not cost six refusals."""
    wary: bool = False
    """Limits are being found out by refusals: the gap is as long as a refusal takes to come back."""
    crowded: bool = False
    """Others use the same key: the gap stays as long as it was."""
    trip_s: float = 0.0
    """How long that was."""

    def wait_s(self, now: float) -> float:
        """Return the seconds until one more may go."""
        if now - self.last_at > self.idle_s / 40:
            self.burst, self.burst_share = 0, 0.0
        small = self.burst < self.first and self.burst_share <= 1 / 12
        if self.unanswered == 0 or (small and not self.wary and not self.crowded):
            return 0.0
        gap_s = max(self._gap(), self.trip_s if self.wary else 0.0)
        return max(0.0, self.last_at + gap_s - now)

    def _gap(self) -> float:
        if not self.heard:
            return max(self.gap_s, self.idle_s / 120)
        return self.gap_s / 4 if self.settled and not self.crowded else self.gap_s

    def sent(self, now: float, share: float = 0.0) -> None:
        """A call goes that takes SHARE of a limit."""
        self.unanswered += 1
        self.burst += 1
        self.burst_share += share
        self.last_at = now

    def answered(self) -> None:
        """An answer, a refusal, or an end without one, has come."""
        self.heard = True
        self.unanswered = max(0, self.unanswered - 1)
