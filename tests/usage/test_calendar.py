"""Days, weeks and months of the person's own calendar."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime
from typing import Literal
from zoneinfo import ZoneInfo

import pytest

from daemon.usage.calendar import begins, day_of, ends_at, since_day


@pytest.fixture(params=["UTC", "Asia/Seoul", "America/Los_Angeles", "Europe/Berlin"])
def zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[ZoneInfo]:
    """The process lives there."""
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield ZoneInfo(request.param)
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("span", "first", "end"),
    [
        ("day", "2026-11-28", (2026, 11, 29)),
        ("week", "2026-11-23", (2026, 11, 30)),
        ("month", "2026-11-01", (2026, 12, 1)),
    ],
)
def test_spans(zone: ZoneInfo, span: Literal["day", "week", "month"], first: str, end: tuple[int, int, int]) -> None:
    """A span begins and ends at local midnight; weeks on Monday."""
    at = datetime(2026, 11, 28, 15, 5, tzinfo=zone).timestamp()
    assert begins(span, at) == first
    assert ends_at(span, at) == datetime(*end, tzinfo=zone).timestamp()


def test_the_year_turns(zone: ZoneInfo) -> None:
    """December ends in January, and the last second of a day is still that day."""
    at = datetime(2026, 12, 31, 23, 59, 59, tzinfo=zone).timestamp()
    assert day_of(at) == "2026-12-31"
    assert ends_at("month", at) == ends_at("day", at) == at + 1


def test_a_day_of_25_hours(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where clocks are turned back, the day ends at midnight all the same."""
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    at = datetime(2026, 10, 25, 0, 0, tzinfo=ZoneInfo("Europe/Berlin")).timestamp()
    assert ends_at("day", at) - at == 25 * 3600
    monkeypatch.undo()
    time.tzset()


def test_since(zone: ZoneInfo) -> None:
    """Seven days are today and the six before it; less than a day is today."""
    now = datetime(2026, 11, 28, 15, 5, tzinfo=zone).timestamp()
    assert since_day(7 * 86400.0, now) == "2026-11-22"
    assert since_day(3600.0, now) == "2026-11-28"
    assert since_day(1e9, now) < "1996"
