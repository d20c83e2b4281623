"""Counters of the calendar."""

from datetime import UTC, datetime

import pytest

from daemon.model import Limit
from daemon.pacing.days import DayCount, RollingDay, day_count

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC).timestamp()


class Kept:
    """A memory that survives the counter."""

    def __init__(self) -> None:
        self.values: dict[str, str] = {}
        self.writes = 0

    def recall(self, kind: str) -> dict[str, str]:
        return dict(self.values)

    def remember(self, kind: str, key: str, value: str) -> None:
        self.values[key] = value

    def remember_now(self, kind: str, key: str, value: str) -> None:
        self.writes += 1
        self.values[key] = value

    def forget(self, kind: str, key: str) -> None:
        self.values.pop(key, None)


class Wall:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> float:
        return self.now


def counter(wall: Wall, kept: Kept | None = None, amount: float = 40, period: str = "day") -> DayCount:
    return DayCount("requests", amount, period, "h k requests", UTC, wall, kept)


def test_a_day_lets_through_its_amount_and_no_more() -> None:
    """The next may go when the day ends."""
    day = counter(Wall(), amount=3)
    for seq in range(3):
        assert day.wait_s(1.0) == 0
        day.answered(day.take(seq, 1.0, 0.0))
    assert day.wait_s(1.0) == pytest.approx(12 * 3600)


def test_a_new_day_begins_anew_and_an_old_one_does_not_return() -> None:
    """Midnight clears the counter; a wall clock that jumps back does not."""
    wall = Wall()
    day = counter(wall, amount=1)
    day.take(1, 1.0, 0.0)
    wall.now += 86_400
    assert day.wait_s(1.0) == 0
    day.take(2, 1.0, 0.0)
    wall.now -= 86_400
    assert day.wait_s(1.0) > 0
    assert day.left() == 0


@pytest.mark.parametrize("provider", ["openai", "gemini"])
@pytest.mark.parametrize("period", ["day", "month"])
def test_a_wall_clock_that_was_ahead_for_a_moment_shuts_nothing(provider: str, period: str) -> None:
    """A year ahead (a wrong hardware clock, until the network puts it right): what was used before and then counts as
    of today, and tomorrow, or next month, all is there again."""
    wall = Wall()
    day = day_count(Limit("requests", 100, 86_400.0, period), "k", provider, wall, None, 1.0)
    for seq in range(40):
        day.answered(day.take(seq, 1.0, 0.0))
    wall.now += 365 * 86_400
    assert day.wait_s(1.0) == 0
    for seq in range(20):
        day.answered(day.take(seq, 1.0, 0.0))
    wall.now -= 365 * 86_400
    if not day.rolls:
        assert day.left() == 40
    assert day.resets_in_s() <= 31 * 86_400
    wall.now += 31 * 86_400
    assert day.left() == 100


def test_a_kill_in_the_middle_loses_nothing() -> None:
    """What was sent and not answered at the kill may have been counted or not: it is tried, one at a time."""
    wall, kept = Wall(), Kept()
    day = counter(wall, kept)
    for seq in range(20):
        charge = day.take(seq, 1.0, 0.0)
        if seq < 17:
            day.answered(charge)
    again = counter(wall, kept)
    assert (again.used, again.uncertain) == (20, 3)
    for seq in range(20):
        assert again.wait_s(1.0) == 0
        again.answered(again.take(seq, 1.0, 0.0))
    probe = again.take(99, 1.0, 0.0)
    assert again.wait_s(1.0) > 0, "one at a time"
    again.undo(probe)
    again.refused()
    assert again.wait_s(1.0) > 0
    assert again.uncertain == 0


def test_a_day_that_the_provider_shut_is_looked_at_now_and_then() -> None:
    """One call after ten minutes, and the next ten minutes later; one that is let through opens it. Also after a
    restart."""
    wall, kept = Wall(), Kept()
    day = counter(wall, kept)
    day.refused()
    assert day.wait_s(1.0) == pytest.approx(12 * 3600)
    wall.now += 601
    assert day.wait_s(1.0) == 0
    charge = day.take(7, 1.0, 0.0)
    assert day.wait_s(1.0) > 0
    day.undo(charge)
    day.refused()
    assert day.wait_s(1.0) > 0
    again = counter(wall, kept)
    assert again.shut
    charge = again.take(8, 1.0, 0.0)
    assert again.wait_s(1.0) > 0, "one at a time"
    again.answered(charge)
    assert again.wait_s(1.0) == 0
    assert again.left() >= 38


def test_big_limits_are_written_in_parts_of_one_percent() -> None:
    """Ten thousand calls cost a hundred writes, and a crash loses one percent at most."""
    kept = Kept()
    day = counter(Wall(), kept, amount=10_000)
    for seq in range(10_000):
        day.answered(day.take(seq, 1.0, 0.0))
    assert 95 <= kept.writes <= 110


@pytest.mark.parametrize("text", ["", "{", "[]", '{"start": "x"}', '{"start": 1, "written": -5, "done": 0}', "null"])
def test_a_damaged_memory_is_ignored(text: str) -> None:
    """It counts from nothing rather than failing."""
    kept = Kept()
    kept.values["h k requests"] = text
    assert counter(Wall(), kept).left() == 40


def test_a_remembered_day_in_the_future_keeps_its_count() -> None:
    """The wall clock was wrong then or is wrong now: the larger count is the safe one."""
    wall, kept = Wall(), Kept()
    wall.now += 3 * 86_400
    day = counter(wall, kept)
    for seq in range(10):
        day.answered(day.take(seq, 1.0, 0.0))
    wall.now -= 3 * 86_400
    assert counter(wall, kept).used == 10


def test_a_settled_cost_replaces_the_reservation() -> None:
    """Tokens of a month are counted as reported."""
    day = counter(Wall(), amount=1000)
    charge = day.take(1, 600.0, 0.0)
    assert day.settle(charge, 100.0) == 500
    assert day.left() == 900


@pytest.mark.parametrize("provider", ["openai-compatible", "openai"])
@pytest.mark.parametrize("period", ["day", "month"])
def test_what_is_more_than_a_whole_limit_goes_when_nothing_is_used_up(provider: str, period: str) -> None:
    """An answer's maximum of 128,000 where 100,000 tokens a day are allowed: the answer is shorter, and what it cost
    counts. Then it waits until nothing is used up again, and the share that is kept for persons changes nothing."""
    wall, limit = Wall(), Limit("tokens", 100_000, 86_400.0 if period == "day" else 30 * 86_400.0, period)
    day = day_count(limit, "h k tokens", provider, wall, None, 1.0)
    assert day.wait_s(128_000.0) == day.wait_s(128_000.0, 10_000.0) == 0
    charge = day.take(1, 128_000.0, 0.0)
    assert day.wait_s(1.0) > 0
    day.settle(charge, 30.0)
    assert day.left() == 99_970
    assert day.wait_s(90_000.0) == 0
    assert day.wait_s(128_000.0) == pytest.approx(day.resets_in_s())
    wall.now += 31 * 86_400.0
    assert day.wait_s(128_000.0) == 0


def rolling(wall: Wall, kept: Kept | None = None, amount: float = 10_000) -> RollingDay:
    day = day_count(Limit("requests", amount, 86_400.0, "day"), "h k requests", "openai", wall, kept, 1.0)
    assert isinstance(day, RollingDay)
    return day


def test_a_day_that_flows_back_opens_again_after_seconds() -> None:
    """10,000 a day at OpenAI: when all are used up, the next one fits 8.64 s later, and midnight changes nothing."""
    wall = Wall()
    day = rolling(wall)
    for seq in range(10_000):
        day.answered(day.take(seq, 1.0, 0.0))
    assert day.wait_s(1.0) == pytest.approx(8.64)
    wall.now += 8.65
    assert day.wait_s(1.0) == 0
    day.answered(day.take(1, 1.0, 0.0))
    assert day.wait_s(10.0) == pytest.approx(86.4, abs=0.1)
    wall.now += 3600
    assert day.left() == pytest.approx(416, abs=2)
    assert day.resets_in_s() == pytest.approx(23 * 3600, abs=20)


def test_a_day_that_flows_back_survives_a_kill() -> None:
    """What was sent an hour ago is remembered, less what has come back since; what was not answered is uncertain, and
    tried one at a time when all is used up."""
    wall, kept = Wall(), Kept()
    day = rolling(wall, kept, amount=24)
    for seq in range(24):
        charge = day.take(seq, 1.0, 0.0)
        if seq < 20:
            day.answered(charge)
    wall.now += 3600
    again = rolling(wall, kept, amount=24)
    assert again.used == pytest.approx(23)
    assert again.uncertain == pytest.approx(4)
    for seq in range(5):
        assert again.wait_s(1.0) == 0
        charge = again.take(seq, 1.0, 0.0)
        assert seq == 0 or again.wait_s(1.0) > 0, "one uncertain call at a time"
        again.answered(charge)
    assert again.wait_s(1.0) == pytest.approx(3600, abs=1)


def test_a_refusal_says_that_a_day_is_used_up_whatever_we_counted() -> None:
    """Others use the key: a bucket's day is empty then, and fills again at its own pace."""
    day = rolling(Wall(), amount=8640)
    day.answered(day.take(1, 1.0, 0.0))
    day.refused()
    assert day.wait_s(1.0) == pytest.approx(10.0)


def test_a_wall_clock_that_jumps_does_not_fill_a_rolling_day() -> None:
    """Back: nothing comes back until it has caught up. A remembered instant in the future keeps its count."""
    wall, kept = Wall(), Kept()
    day = rolling(wall, kept, amount=24)
    for seq in range(24):
        day.answered(day.take(seq, 1.0, 0.0))
    wall.now -= 86_400
    assert day.wait_s(1.0) > 0
    assert rolling(wall, kept, amount=24).used == pytest.approx(24)


def test_whose_days_flow_back() -> None:
    """OpenAI's and Groq's; Gemini's begin at midnight in Los Angeles, and months are the calendar's everywhere."""
    for provider, period, kind in (("openai", "day", RollingDay), ("groq", "day", RollingDay),
                                   ("gemini", "day", DayCount), ("openai", "month", DayCount)):  # fmt: skip
        made = day_count(Limit("requests", 9, 86_400.0, period), "k", provider, Wall(), None, 1.0)
        assert type(made) is kind
