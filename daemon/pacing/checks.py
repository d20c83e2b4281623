"""What is refused before it waits: too large for its limit, a full line, a used-up day, too late."""

from __future__ import annotations

from daemon.dimensions import what
from daemon.errors import DeadlineExceeded, QueueFull, TooLarge
from daemon.model import Dimension, Estimate, Priority
from daemon.pacing.account import Account
from daemon.pacing.days import DayCount
from daemon.pacing.eta import expected_behind
from daemon.pacing.ledger import Ledger
from daemon.pacing.looks import held_s, look_in_s
from daemon.pacing.pool import Pool, period_word
from daemon.pacing.queue import Entry
from daemon.pacing.reasons import clock, duration, number, per
from daemon.pacing.settings import PacingSettings, patience
from daemon.pacing.shapes import DAY_S
from daemon.pacing.stops import kept_day, stop_of
from daemon.phrases import Phrase, phrase

INFINITE = float("inf")
PROMPT_MARGIN = 1.15
"""Our estimate of a prompt may be wrong by this much before we say that it can never fit."""
SURELY_FITS = 0.25
"""The part of each limit up to which it fits in any case: what we count is never taken for more than three times as
much (`Ledger.scale`)."""


def check(settings: PacingSettings, account: Account, pool: Pool, entry: Entry, now: float) -> None:
    """Refuse at once what waiting cannot help."""
    entry.share = pool.share_of(entry.costs)
    account.check_block(pool, entry, now)
    if entry.setback is None and pool.waiting >= settings.max_waiting:
        scope = pool.scope
        raise QueueFull(phrase("refused.queue_full", most=settings.max_waiting, host=scope.host, group=scope.group))
    if pool.days or entry.share > SURELY_FITS:
        _check_size(pool, entry)
        _check_day(settings, pool, entry)
        _check_kept(settings, pool, entry, now)
    if entry.deadline < INFINITE and now + expected_behind(pool, entry, now).least_s > entry.deadline:
        raise too_late(pool, entry, now)


def _check_size(pool: Pool, entry: Entry) -> None:
    """One prompt that is larger than a whole limit never fits. (An answer's reserve is let through when all is
    free.)"""
    for limit in pool.all_limits:
        cap, dimension = limit.cap, limit.dimension
        if cap is not None and (need := _surely(entry.call.estimate, dimension) * limit.scale) > cap:
            raise TooLarge(
                phrase("refused.too_large", need=number(need), what=what(dimension), limit=number(cap)),
                dimension=dimension, requested=round(need), limit=cap,
            )  # fmt: skip


def check_opening(settings: PacingSettings, pool: Pool, entry: Entry, now: float) -> None:
    """Refuse a call, which cannot go now, where a limit of its own opens too late; that others stand before it does not
    count. Of one that was refused before, the refusal itself was looked at. A limit of a minute or less is waited for:
    when it opens is often not known as well as that, and whoever comes again when the provider said so is not late."""
    for ledger in () if entry.setback is not None else pool.ledgers:
        cost = entry.costs.get(ledger.dimension, 0.0) * ledger.scale
        wait = 0.0 if entry.choice else held_s(ledger, cost, now)
        if ledger.period_s > pool.origin.minute_s and cost > 0:
            wait = max(wait, min(ledger.wait_s(cost, now), look_in_s(ledger, now)))
        if (late := opens_late(settings, pool, entry, ledger, wait)) is not None:
            raise late


def opens_late(
    settings: PacingSettings, pool: Pool, entry: Entry, ledger: Ledger, wait: float
) -> DeadlineExceeded | None:
    """The answer to ENTRY, if LEDGER lets it through after WAIT seconds, and that is longer than it waits."""
    most, setting = patience_of(settings, pool, entry.came)  # who has risen may wait as long as before
    if wait <= most + ledger.guard_s:
        return None
    if ledger.cap is None and ledger.period_s < DAY_S:  # which limit it was is not known
        return DeadlineExceeded(
            phrase(
                "refused.named_late", host=pool.scope.host, wait=duration(wait), setting=setting, most=duration(most),
            ),
            retry_after_s=round(wait, 3),
        )  # fmt: skip
    return DeadlineExceeded(
        phrase(
            "refused.opens_late", why=per(ledger.dimension, period_word(ledger)), wait=duration(wait),
            setting=setting, most=duration(most),
        ),
        retry_after_s=round(wait, 3), dimension=ledger.dimension,
    )  # fmt: skip


def patience_of(settings: PacingSettings, pool: Pool, priority: Priority) -> tuple[float, str]:
    """How long a call of PRIORITY waits for a limit, in seconds, and the setting that says so: longer where the
    provider's minute is longer than one."""
    most, setting = patience(settings, priority)
    return most * max(1.0, pool.unit), setting


def _surely(estimate: Estimate, dimension: Dimension) -> float:
    """What a call takes of DIMENSION in any case."""
    if dimension in ("tokens", "input_tokens"):
        return estimate.input / PROMPT_MARGIN
    if dimension == "audio_seconds":
        return estimate.audio_seconds / PROMPT_MARGIN
    return estimate.images if dimension == "images" else 0.0


def _check_day(settings: PacingSettings, pool: Pool, entry: Entry) -> None:
    """A used-up day is not waited for through the night."""
    most, setting = patience(settings, entry.came)  # who has risen may wait as long as before
    for day in pool.days:
        cost = entry.costs.get(day.dimension, 0.0)
        wait = day.wait_s(cost) if cost else 0.0
        if wait > most and (day.shut or day.uncertain < cost):
            raise _no_room(day, entry, wait, duration(most), setting)


def _check_kept(settings: PacingSettings, pool: Pool, entry: Entry, now: float) -> None:
    """Nor is the end of a day waited for that is kept for persons for longer, or while ever more of them come. Answers
    that are under way and may give back enough are waited for; and of a day that flows back something comes all the
    time."""
    kept = kept_day(pool, entry)
    if kept is None or kept.day is None:
        entry.kept_at = None
        return
    if entry.kept_at is None:
        entry.kept_at = now
    most, setting = patience(settings, entry.came)
    waited_s = 0.0 if kept.day.rolls else now - entry.kept_at
    if waited_s + (0.0 if kept.may_open else kept.wait_s) > most:
        raise DeadlineExceeded(
            phrase("refused.kept", wait=duration(kept.wait_s), most=duration(most), setting=setting),
            retry_after_s=round(kept.wait_s, 3),
        )


def _no_room(day: DayCount, entry: Entry, wait: float, most: Phrase, setting: str) -> DeadlineExceeded:
    """The answer to a call that does not fit into DAY: it is used up, or the longest answer is more than is left."""
    facts = {"retry_after_s": wait, "dimension": day.dimension, "window": day.period}
    today, left, need = day.period == "day", day.left(), entry.costs.get(day.dimension, 0.0)
    if left < max(1.0, _surely(entry.call.estimate, day.dimension)):
        return DeadlineExceeded(
            phrase(
                "refused.day_used_up" if today else "refused.month_used_up",
                limit=number(day.cap), what=what(day.dimension), wait=duration(wait), most=most, setting=setting,
                at=clock(day.wall() + wait, day.wall()),
            ),
            **facts,
        )  # fmt: skip
    return DeadlineExceeded(
        phrase(
            "refused.day_left" if today else "refused.month_left", left=number(left), need=number(need),
            limit=number(day.cap), what=what(day.dimension), wait=duration(wait), most=most, setting=setting,
        ),
        **facts,
    )  # fmt: skip


def turned_away(settings: PacingSettings, pool: Pool, now: float) -> list[tuple[Entry, DeadlineExceeded]]:
    """The waiting calls for which the day has been used up since they came, by those before them, or down to what is
    kept for persons; each with its answer. Looked for once a second at most."""
    if pool.stop is None or pool.stop.day is None or now < pool.looked_at + 1.0:
        return []
    pool.looked_at = now
    found: list[tuple[Entry, DeadlineExceeded]] = []
    for entry in pool.queue.entries():
        try:
            _check_day(settings, pool, entry)
            _check_kept(settings, pool, entry, now)
        except DeadlineExceeded as late:
            found.append((entry, late))
    return found


def too_late(pool: Pool, entry: Entry, now: float, *, after_all: bool = False) -> DeadlineExceeded:
    """The answer to a call that cannot go, or AFTER_ALL did not go, in time: what it waits for, when it could go."""
    wait, least, *_ = expected_behind(pool, entry, now)
    stop = stop_of(pool, entry, now) or pool.stop
    why = stop.why if stop is not None else phrase("waits.turn")
    if not after_all:
        wait, deadline = least if wait is None else wait, duration(entry.call.deadline_s or 0.0)
        return DeadlineExceeded(
            phrase("refused.too_late", deadline=deadline, why=why, wait=duration(wait)), retry_after_s=round(wait, 3)
        )
    waited = duration(now - entry.arrived)
    if wait is None:
        return DeadlineExceeded(phrase("refused.waited_for_answers", waited=waited, why=why))
    return DeadlineExceeded(
        phrase("refused.waited_in_vain", waited=waited, why=why, wait=duration(wait)), retry_after_s=round(wait, 3)
    )
