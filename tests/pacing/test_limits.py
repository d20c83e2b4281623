"""From configured limits to ledgers."""

from world import origin

from daemon.model import Limit, Scope
from daemon.pacing.limits import own_limits, period_of, shared_limits

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
