"""What is remembered of a key's recent calls."""

from __future__ import annotations

from daemon.gateway.tally import Refused, Tally
from daemon.model import Failure


def test_calls_of_the_last_minute() -> None:
    """Only what went out in the last 60 seconds counts."""
    tally = Tally()
    for at in (0.0, 30.0, 59.0, 61.0):
        tally.sent(at)
    assert [tally.last_minute(now) for now in (61.0, 90.0, 91.0, 200.0)] == [3, 3, 2, 0]


def test_since_success() -> None:
    """None until there was one; never negative when the clock goes back."""
    tally = Tally()
    assert tally.since_success(5.0) is None
    tally.succeeded(10.0)
    assert (tally.since_success(12.5), tally.since_success(9.0)) == (2.5, 0.0)


def test_a_success_ends_a_refusal() -> None:
    """Any success shows that the key is right again; what is about some models, only a success of theirs."""
    tally = Tally()
    tally.refused = Refused(Failure(status=403), "not_in_plan", "mini")
    tally.succeeded(1.0, "large")
    assert tally.refused is not None
    tally.succeeded(2.0, "mini")
    assert tally.refused is None
    tally.refused = Refused(Failure(status=401), "invalid_api_key", None)
    tally.succeeded(3.0, "large")
    assert tally.refused is None


def test_memory_is_bounded() -> None:
    """A storm of calls takes no unlimited memory."""
    tally = Tally()
    for at in range(20_000):
        tally.sent(at / 1000)
    assert tally.last_minute(20.0) == 10_000
