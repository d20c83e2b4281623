"""Days of 23 hours, months of 30 days, and where they begin."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from daemon.daybreak import end_of, resets_in_s, start_of, zone_of

NOON = datetime(2026, 11, 3, 12, tzinfo=UTC).timestamp()


def test_days_begin_where_the_provider_lives() -> None:
    """Gemini's day begins at midnight in Los Angeles, in winter and in summer time."""
    zone = zone_of("gemini")
    assert zone_of("openai") is UTC
    assert datetime.fromtimestamp(start_of("day", NOON, zone), zone).hour == 0
    spring = datetime(2026, 3, 8, 12, tzinfo=ZoneInfo("America/Los_Angeles")).timestamp()
    assert end_of("day", spring, zone) - start_of("day", spring, zone) == 23 * 3600


def test_months_are_calendar_months() -> None:
    """November has thirty days, December ends the year."""
    assert end_of("month", NOON, UTC) - start_of("month", NOON, UTC) == 30 * 86_400
    december = datetime(2026, 12, 5, tzinfo=UTC).timestamp()
    assert datetime.fromtimestamp(end_of("month", december, UTC), UTC) == datetime(2027, 1, 1, tzinfo=UTC)


def test_how_long_until_then() -> None:
    """Twelve hours at noon, and never nothing."""
    assert resets_in_s("day", NOON, UTC) == 12 * 3600
    assert resets_in_s("day", start_of("day", NOON, UTC), UTC) == 24 * 3600
