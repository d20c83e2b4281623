"""Windows of a subscription in the headers of an answer."""

from __future__ import annotations

from daemon.providers.plans import read_plans
from daemon.spending import PlanWindow


def test_claude() -> None:
    """A fraction, which may be above 1, and the reset as Unix seconds."""
    headers = (
        ("Anthropic-RateLimit-Unified-Status", "allowed"),
        ("anthropic-ratelimit-unified-5h-utilization", "0.83"),
        ("anthropic-ratelimit-unified-5h-reset", "1795880000"),
        ("anthropic-ratelimit-unified-7d-utilization", "1.08"),
    )
    assert read_plans(headers) == (PlanWindow("5 h", 0.83, 1795880000.0), PlanWindow("week", 1.08))


def test_codex() -> None:
    """Percent, the length of the window, and its reset; a window without a length is not told."""
    headers = (
        ("x-codex-primary-used-percent", "91"),
        ("x-codex-primary-window-minutes", "300"),
        ("x-codex-primary-reset-at", "1795880000"),
        ("x-codex-secondary-used-percent", "40"),
        ("x-codex-secondary-window-minutes", "90"),
    )
    assert read_plans(headers) == (PlanWindow("5 h", 0.91, 1795880000.0), PlanWindow("90 min", 0.4))
    assert read_plans((("x-codex-primary-used-percent", "91"),)) == ()


def test_others() -> None:
    """Headers without such fields, and odd values, say nothing."""
    assert read_plans((("x-ratelimit-limit-requests", "60"),)) == ()
    assert read_plans((("anthropic-ratelimit-unified-5h-utilization", "NaN"),)) == ()
