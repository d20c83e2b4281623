"""Numbers, durations and times as people read them."""

from __future__ import annotations

from typing import Any

import pytest

from daemon.explain.catalogue import DATA
from daemon.explain.figures import amount, clock, span
from daemon.explain.rules import read_yaml

ENGLISH: dict[str, Any] = read_yaml(DATA / "words" / "en.yaml")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.2, "less than 1 s"),
        (12, "12 s"),
        (11.2, "12 s"),
        (432, "7 min 12 s"),
        (7200, "2 h"),
        (511_860, "5 days 22 h"),
        (86_400, "1 day"),
        (None, ""),
        (-1, ""),
    ],
)
def test_spans(seconds: float | None, text: str) -> None:
    """Durations are for people, and rounded up so that nobody comes too early."""
    assert span(seconds, ENGLISH) == text


@pytest.mark.parametrize(
    ("value", "text"), [(40_000.0, "40,000"), (2.5, "2.5"), (0.000887, "0.00089"), (None, ""), (0.0, "0")]
)
def test_amounts(value: float | None, text: str) -> None:
    """Numbers are for people."""
    assert amount(value) == text


def test_a_time_of_another_day_has_its_date() -> None:
    """`14:05` is today's; and a number that is no time is not told."""
    forms = {"today": "%H:%M", "later": "%Y-%m-%d %H:%M"}
    noon = 1_795_000_000.0
    assert clock(noon, noon, forms) == clock(noon, noon + 86_400 * 3, forms)[-5:]
    assert len(clock(noon, noon + 86_400 * 3, forms)) == len("2026-11-18 12:00")
    assert clock(1e20, noon, forms) == ""
