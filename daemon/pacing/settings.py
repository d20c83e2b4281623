"""The pacer's settings, as plain values."""

from __future__ import annotations

from dataclasses import dataclass

from daemon.model import Priority


@dataclass(frozen=True, slots=True)
class PacingSettings:
    """Times are seconds. Those that a provider's minute governs are for a minute of 60 s and scale with
    `Origin.minute_s`."""

    max_waiting: int = 20_000
    """More calls than this do not wait for one pool."""
    max_wait_s: float = 600.0
    """A limit that opens later than this is not waited for, in the queue of a day or after a refusal."""
    max_wait_interactive_s: float = 90.0
    tries: int = 4
    """Sendings of one call, the first among them, that meet an overloaded provider or a broken network."""
    rate_tries: int = 5
    """Rate refusals in a row of one call before it is given up."""
    bare_tries: int = 3
    """The same when the refusals say nothing at all."""
    backoff_base_s: float = 1.0
    backoff_cap_s: float = 30.0
    budget_share: float = 0.2
    """Resends may be this part of the calls of the last two minutes, but `budget_least` are always allowed. 0: none."""
    budget_least: int = 10
    first_burst: int = 4
    """Calls in flight without an answer while a provider's limits are unknown; doubles with each round trip."""
    max_in_flight: int = 64
    """Per pool, where no concurrency limit is configured."""
    age_normal_s: float = 60.0
    """A normal call that waits longer competes with interactive ones."""
    age_batch_s: float = 300.0
    floor: float = 0.1
    """The part of what is admitted that lower classes get in any case."""
    reserve: float = 0.16
    """Of a window limit, kept for interactive calls while some have been seen lately."""
    bypass: float = 0.25
    """Small calls may pass a big one that waits, up to this part of its size."""
    block_s: float = 30.0
    """After `no credit` and its kin, only interactive calls try again within this time."""
    resume_slack_s: float = 5.0
    """Timers that are later than this mean that the machine slept."""


def patience(settings: PacingSettings, priority: Priority) -> tuple[float, str]:
    """How long a call of PRIORITY waits for what clears by itself, and the name of the setting that says so."""
    if priority == Priority.INTERACTIVE:
        return settings.max_wait_interactive_s, "queue.max_wait_interactive"
    return settings.max_wait_s, "queue.max_wait"
