"""From configured limits to ledgers."""

from dataclasses import replace

import pytest
from world import origin

from daemon.model import Limit, Scope
from daemon.pacing.limits import overlap, own_limits, period_of, shared_limits

MINUTE_LIMIT = Limit("requests", 60, 60.0, "minute")


def wall() -> float:
    return 1.7e9


def test_periods_scale_with_the_origin_minute_but_days_and_durations_do_not() -> None:
    """A simulator whose minute lasts 6 s has seconds of 0.1 s."""
    where = origin(minute_s=6.0)
    assert period_of(MINUTE_LIMIT, where) == 6.0
    assert period_of(Limit("requests", 1, 1.0, "second"), where) == 0.1
    assert period_of(Limit("requests", 1, 3600.0, "hour"), where) == 360.0
    assert period_of(Limit("requests", 3, 10.0), where) == 10.0


def test_limits_without_models_are_shared_and_others_are_not() -> None:
    """A pattern binds the models that it names, through model or group."""
    where = origin(MINUTE_LIMIT, Limit("requests", 5, 60.0, "minute", ("gpt-4o*",)), Limit("concurrency", 3))
    shared = shared_limits(where, "key:a", wall, None)
    assert [x.ceiling for x in shared.ledgers.values()] == [60]
    assert [x.limit for x in shared.slots] == [3]
    mine = own_limits(where, Scope("h", "k", "gpt-4o-mini"), "gpt-4o-mini", wall, None)
    assert [x.ceiling for x in mine.ledgers.values()] == [5]
    assert not own_limits(where, Scope("h", "k", "o3"), "o3", wall, None).ledgers


@pytest.mark.parametrize("model", ["gpt-4", "gpt-4o"])
def test_which_model_of_a_group_came_first_makes_no_difference(model: str) -> None:
    """A limit of some of its models holds for the group, whose models share their limits; one for others does not."""
    models = (("gpt-4o*",), ("*-mini",), ("big",), ("o3*",), ("gpt-3*", "o1"))
    limits = [Limit("requests", number, float(number)) for number in range(1, 6)]
    limits = [replace(limit, models=names) for limit, names in zip(limits, models, strict=True)]
    where = origin(*limits, minute_s=60.0, groups=(("small", ("gpt-3*",)), ("big", ("gpt-4*",))))
    mine = own_limits(where, Scope("h", "k", "big"), model, wall, None)
    assert [x.ceiling for x in mine.ledgers.values()] == [1, 2, 3]


@pytest.mark.parametrize(("one", "other", "both"), [
    ("gpt-4o*", "gpt-4*", True), ("gpt-4o*", "gpt-4", False), ("*mini", "gpt-4*", True), ("a*c", "*b*", True),
    ("a?", "ab", True), ("a?", "a", False), ("*", "", True), ("gpt-[34]*", "gpt-4o", True), ("o1*", "o3*", False),
    ("*" * 30 + "a", "b" * 60, False),
])  # fmt: skip
def test_patterns_that_some_name_fits(one: str, other: str, both: bool) -> None:
    """Whichever of the two is asked first."""
    assert overlap(one, other) is both
    assert overlap(other, one) is both


def test_days_and_months_become_counters() -> None:
    """They follow the calendar, not a moving window."""
    where = origin(Limit("requests", 40, 86_400.0, "day"), Limit("tokens", 1e6, None, "month"), provider="gemini")
    days = shared_limits(where, "key:a", wall, None).days
    assert [(day.period, day.amount) for day in days] == [("day", 40), ("month", 1e6)]
    assert str(days[0].zone) == "America/Los_Angeles"


def test_the_smaller_of_two_limits_of_one_kind_binds() -> None:
    """Written twice by mistake."""
    where = origin(MINUTE_LIMIT, Limit("requests", 20, 60.0, "minute"))
    assert [x.ceiling for x in shared_limits(where, "k", wall, None).ledgers.values()] == [20]


def test_a_share_scales_slots() -> None:
    """At least one call may always run."""
    where = origin(Limit("concurrency", 4), Limit("concurrency", 1), share=0.5)
    assert [x.limit for x in shared_limits(where, "k", wall, None).slots] == [2, 1]
