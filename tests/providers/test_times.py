"""Durations and instants as providers write them."""

import pytest

from daemon.providers.times import duration, instant, number, reset

NOW = 1_800_000_000.0


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("12ms", 0.012), ("8.64s", 8.64), ("6m0s", 360.0), ("1m26.4s", 86.4), ("1h2m3s", 3723.0), ("250µs", 250e-6),
        ("26s", 26.0), ("2d", 172800.0),
    ],
)  # fmt: skip
def test_go_durations(text: str, seconds: float) -> None:
    """Every unit that the providers use comes out in seconds."""
    assert duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "5", "s", "1x", "-3s", "1s garbage", "NaN", "1e3s", "9" * 400 + "s", "1s,2s"])
def test_what_is_no_duration(text: str) -> None:
    """Nothing is guessed from half a duration."""
    assert duration(text) is None


@pytest.mark.parametrize("text", ["NaN", "-1", "1e999", "inf", "", "0x10", "9" * 40, "1_000", "٣"])
def test_hostile_numbers(text: str) -> None:
    """Only plain decimal counts are numbers."""
    assert number(text) is None


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("45", 45.0),
        ("0.5", 0.5),
        ("6m0s", 360.0),
        (str(int(NOW) + 30), 30.0),
        (str(int(NOW + 30) * 1000), 30.0),
        (str(int(NOW) - 30), 0.0),
        ("2027-01-15T08:00:40Z", 40.0),
        ("2027-01-15T09:00:40+01:00", 40.0),
        ("Fri, 15 Jan 2027 08:00:05 GMT", 5.0),
    ],
)
def test_reset_in_every_form(text: str, seconds: float) -> None:
    """Plain seconds, durations, epochs in seconds and milliseconds, RFC 3339 and HTTP dates mean the same thing."""
    assert reset(text, NOW) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "-5", "NaN", "soon", "1e9", str(40 * 86400), "2099-01-01T00:00:00Z", "T" * 9999])
def test_reset_that_nobody_believes(text: str) -> None:
    """Nonsense and resets further away than a month are dropped."""
    assert reset(text, NOW) is None


def test_instants_out_of_range() -> None:
    """Dates that Python cannot hold are no instants and no exceptions."""
    for text in ("9999-99-99T00:00:00Z", "Mon, 99 Foo 20266 99:99:99 GMT", "0000-00-00T", "2026T", "Wed"):
        assert instant(text) is None
