"""Calls that stand in line for what will not let them through as long as they may wait: each gets its answer."""

from __future__ import annotations

from daemon.errors import DeadlineExceeded
from daemon.model import Priority
from daemon.pacing.pool import Pool
from daemon.pacing.queue import Entry
from daemon.pacing.reasons import duration
from daemon.pacing.settings import PacingSettings, patience
from daemon.phrases import phrase

Late = tuple[Entry, DeadlineExceeded]


def patience_of(settings: PacingSettings, pool: Pool, entry: Entry) -> tuple[float, str]:
    """How long ENTRY waits for a limit, and the setting that says so. Who has risen may wait as long as before."""
    most, setting = patience(settings, Priority(entry.priority + entry.rose))
    return most * max(1.0, pool.unit), setting


def in_vain(settings: PacingSettings, pool: Pool, now: float) -> list[Late]:
    """The waiting calls that wait in vain, each with its answer. Looked for once a second at most."""
    if pool.outage.since is None or now < pool.vain_at + 1.0:
        return []
    pool.vain_at = now
    found = [(entry, _away(settings, pool, entry, now)) for entry in pool.queue.entries()]
    return [(entry, late) for entry, late in found if late is not None]


def _away(settings: PacingSettings, pool: Pool, entry: Entry, now: float) -> DeadlineExceeded | None:
    """The answer to ENTRY, if it has waited for a provider that is away as long as it may."""
    most, setting = patience_of(settings, pool, entry)
    waited = now - max(entry.arrived, pool.outage.since or 0.0)
    if pool.outage.since is None or waited <= most:
        return None
    opens_s = pool.outage.wait_s(entry.priority + entry.rose, most, now)
    return DeadlineExceeded(
        phrase(
            "refused.away", host=pool.scope.host, waited=duration(waited), most=duration(most), setting=setting,
        ),
        retry_after_s=round(opens_s, 3),
    )  # fmt: skip
