"""Calls that stand in line for what will not let them through as long as they may wait: each gets its answer."""

from __future__ import annotations

from daemon.errors import DeadlineExceeded
from daemon.model import Priority
from daemon.pacing.checks import opens_late, patience_of
from daemon.pacing.ledger import Ledger
from daemon.pacing.looks import held_s
from daemon.pacing.pool import Pool
from daemon.pacing.queue import Entry
from daemon.pacing.reasons import duration
from daemon.pacing.settings import PacingSettings, patience
from daemon.phrases import phrase

Late = tuple[Entry, DeadlineExceeded]


def in_vain(settings: PacingSettings, pool: Pool, now: float) -> list[Late]:
    """The waiting calls that wait in vain, each with its answer. Looked for once a second at most."""
    soonest = now + patience(settings, Priority.INTERACTIVE)[0]
    held = [ledger for ledger in pool.ledgers if ledger.hold_until > soonest]
    if (pool.outage.since is None and not held) or now < pool.vain_at + 1.0:
        return []
    pool.vain_at = now
    entries = [entry for entry in pool.queue.entries() if not entry.choice]
    found = [(e, _away(settings, pool, e, now) or _held(settings, pool, e, held, now)) for e in entries]
    return [(entry, late) for entry, late in found if late is not None]


def _held(
    settings: PacingSettings, pool: Pool, entry: Entry, held: list[Ledger], now: float
) -> DeadlineExceeded | None:
    """The answer to ENTRY, if the provider has said that one of the limits HELD opens later than it waits."""
    for ledger in held:
        wait = held_s(ledger, entry.costs.get(ledger.dimension, 0.0), now)
        if (late := opens_late(settings, pool, entry, ledger, wait)) is not None:
            return late
    return None


def _away(settings: PacingSettings, pool: Pool, entry: Entry, now: float) -> DeadlineExceeded | None:
    """The answer to ENTRY, if it has waited for a provider that is away as long as it may."""
    most, setting = patience_of(settings, pool, entry.came)
    waited = now - max(entry.arrived, pool.outage.since or 0.0)
    if pool.outage.since is None or waited <= most:
        return None
    opens_s = pool.outage.wait_s(entry.came, most, now)
    return DeadlineExceeded(
        phrase(
            "refused.away", host=pool.scope.host, waited=duration(waited), most=duration(most), setting=setting,
        ),
        retry_after_s=round(opens_s, 3),
    )  # fmt: skip
