"""Times as providers write them."""

from __future__ import annotations

import pytest

from daemon.sandbox.dialect import Moment, go_duration


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"), (0.0001, "1ms"), (0.012, "12ms"), (0.9999, "1s"), (1, "1s"), (3.362, "3.362s"), (8.64, "8.64s"),
        (60, "1m0s"), (86.4, "1m26.4s"), (360, "6m0s"), (432, "7m12s"), (3600, "1h0m0s"), (86400, "24h0m0s"),
    ],
)  # fmt: skip
def test_go_durations(seconds: float, text: str):
    """The forms that OpenAI's headers show."""
    assert go_duration(seconds) == text


def test_retry_after_is_whole_seconds_of_the_providers_minute():
    """Rounded up; in a minute of six seconds the grain is a tenth."""
    assert Moment(0.0).ticks(1.2) == "2"
    assert Moment(0.0).ticks(3.0) == "3"
    assert Moment(0.0, minute_s=6).ticks(0.41) == "0.5"


def test_instants():
    """Whole seconds, rounded up; finer where the minute is short, from the second that Date names."""
    assert Moment(1_700_000_000.4).instant(59.7) == "2023-11-14T22:14:21Z"
    assert Moment(1_700_000_000.4, minute_s=6).instant(0.35) == "2023-11-14T22:13:20.350Z"
