"""Times in all the forms that providers use, and nonsense refused."""

from __future__ import annotations

import pytest

from daemon.explain import durations


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1m26.4s", 86.4), ("7m12s", 432), ("20s", 20), ("6m0s", 360), ("174ms", 0.174), ("6ms", 0.006),
        ("8.64s", 8.64),
        ("5 days 22 hours 11 minutes", 511_860), ("2h59m59.5s", 10_799.5), ("34.07s", 34.07), ("12", 12), ("0.5", 0.5),
        ("-3", None), ("nan", None), ("inf", None), ("soon", None), ("90 days", None), ("99999999", None),
    ],
)  # fmt: skip
def test_seconds(text: str, expected: float | None) -> None:
    """Numbers and durations are seconds; negative, endless and absurd ones are nothing."""
    assert durations.seconds(text) == (None if expected is None else pytest.approx(expected))


def test_an_http_date_counts_from_the_answers_own_date() -> None:
    """The clock of this machine may be wrong; the server's two dates agree with each other."""
    assert durations.header_s("Tue, 26 Mar 2024 20:00:30 GMT", "Tue, 26 Mar 2024 20:00:00 GMT", now=0) == 30
    assert durations.header_s("Tue, 26 Mar 2024 19:00:00 GMT", "Tue, 26 Mar 2024 20:00:00 GMT", now=0) == 0
    assert durations.header_s("yesterday", None, now=0) is None
    assert durations.header_s("Tue, 26 Mar 2024 20:00:30 GMT", None, now=None) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1893456000", 1_893_456_000), ("1893456000000", 1_893_456_000), ("2030-01-01T00:00:00Z", 1_893_456_000),
        ("2030-01-01 at 00:00 UTC", 1_893_456_000), ("2030-01-01 08:00:00 +0800", 1_893_456_000),
        ("2030-01-01 00:00:00", None), ("2030-13-01T00:00:00Z", None), ("tomorrow", None),
    ],
)  # fmt: skip
def test_epoch(text: str, expected: float | None) -> None:
    """Epochs and dates with a zone are times; a date without a zone is not believed."""
    assert durations.epoch(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("30,000", 30_000),
        ("60.000000", 60),
        ("10K", 10_000),
        ("~12903", 12_903),
        ("2.5", 2.5),
        ("9223372036854775807", None),
        ("-5", None),
        ("x", None),
    ],
)
def test_number(text: str, expected: float | None) -> None:
    """Amounts are read as people and programs write them; `no limit` is none."""
    assert durations.number(text) == expected


def test_what_cannot_be_meant() -> None:
    """A wait is odd if it is longer than is believed, was over a day before the answer, or is none. Without anything to
    count from, a date is not."""
    date, later = "Tue, 26 Mar 2024 20:00:00 GMT", 1_711_483_200.0
    for text, odd in (
        ("20", None), ("7s", None), ("3456000", None), ("3456001", "long"), ("inf", "long"), ("-1", "none"),
        ("nan", "none"), ("", "none"), ("soon", "none"), ("100d", "none"), (date, None),
        ("Mon, 25 Mar 2024 20:00:01 GMT", None), ("Mon, 25 Mar 2024 19:59:59 GMT", "past"),
        ("2099-03-26T20:00:30Z", "long"),
    ):  # fmt: skip
        assert durations.oddity("retry-after", text, date, None) == odd, text
        assert durations.oddity("retry-after", text, None, later) == odd, text
    assert durations.oddity("retry-after", "Thu, 01 Jan 1970 00:00:00 GMT", None, None) is None
    assert durations.oddity("retry-after-ms", "1500", None, None) is None
    assert durations.oddity("retry-after-ms", "-5", None, None) == "none"


@pytest.mark.parametrize(
    ("text", "expected"),
    [("00:01:15", 75), ("1.02:00:03", 93_603), ("100:00:00", 360_000), ("1:5", None), ("00:01", None)],
)
def test_a_clock_is_a_duration(text: str, expected: float | None) -> None:
    """Hours, minutes and seconds with colons, days before a dot: what .NET gateways write; a time of day is none."""
    assert durations.seconds(text) == expected
