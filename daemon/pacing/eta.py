"""When will it go? From the ledgers' arithmetic, in closed form. For people: an estimate and an honest range."""

from __future__ import annotations

from daemon.pacing.ledger import Ledger

INFINITE = float("inf")


def when_s(ledger: Ledger, amount: float, now: float) -> float:
    """Return the seconds until AMOUNT more than now is used will have been let through, if all goes at the limit's
    rate."""
    cap = ledger.cap
    held = max(0.0, ledger.hold_until - now)
    if cap is None or cap <= 0:
        return held
    lack = amount - max(0.0, ledger.avail(now))
    if lack <= 1e-9:
        return held
    return max(held, _sliced(ledger, amount, cap), _refill(ledger, lack, cap, now))


def _refill(ledger: Ledger, lack: float, cap: float, now: float) -> float:
    period = ledger.period_s
    if ledger.shape == "bucket":
        return lack * period / cap
    if ledger.shape == "fixed" and ledger.boundary is not None:
        windows = int((lack - 1e-9) // cap)
        return ledger.boundary + period - now + windows * period
    whole = int((lack - 1e-9) // cap)  # a lack of just one limit is one window, not two
    rest = lack - whole * cap
    first = ledger.log.exit_of(max(rest, 1e-6), ledger.log.window, ledger.guard_s) - now
    return min(max(0.0, first), period) + whole * period


def _sliced(ledger: Ledger, amount: float, cap: float) -> float:
    """Slices let through a part of the limit at a time."""
    if ledger.slices <= 1:
        return 0.0
    return int((amount - 1e-9) // (cap / ledger.slices)) * ledger.period_s / ledger.slices


def span_s(eta_s: float, *, known: bool) -> tuple[float, float]:
    """Return the range in which it will probably go: 10 % either way when the limits are known, much wider when
    guessed."""
    return (0.9 * eta_s, 1.1 * eta_s + 0.5) if known else (0.5 * eta_s, 2.0 * eta_s + 2.0)
