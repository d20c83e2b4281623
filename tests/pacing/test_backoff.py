"""Waiting after failures."""

import random

from daemon.pacing.backoff import Breaker, RetryBudget, full_jitter_s, upward_jitter_s


def test_full_jitter_doubles_up_to_its_cap() -> None:
    """Waits lie between 0 and min(cap, base * 2^n)."""
    rng = random.Random(1)
    for attempt, most in ((1, 1.0), (2, 2.0), (4, 8.0), (20, 30.0)):
        waits = [full_jitter_s(attempt, 1.0, 30.0, rng) for _ in range(300)]
        assert 0 <= min(waits) < 0.2 * most
        assert 0.8 * most < max(waits) <= most


def test_a_told_wait_is_never_cut_short() -> None:
    """Jitter after a rate refusal goes only upwards, by 5 % and 10 ms at most."""
    rng = random.Random(1)
    waits = [upward_jitter_s(20.0, rng) for _ in range(300)]
    assert min(waits) > 20.0
    assert max(waits) <= 21.01


def test_resends_are_a_part_of_what_is_sent() -> None:
    """A hundred calls allow twenty resends; the next minutes begin anew."""
    budget = RetryBudget(0.2, 3, 60.0)
    for _ in range(100):
        budget.sent(0.0)
    assert [budget.spend(1.0) for _ in range(30)].count(True) == 20
    assert budget.spend(62.0)


def test_a_few_resends_are_always_allowed() -> None:
    """A single call may be tried again although there was no traffic to take a part of."""
    budget = RetryBudget(0.2, 3, 60.0)
    assert [budget.spend(0.0) for _ in range(5)] == [True, True, True, False, False]


def test_none_means_none() -> None:
    """Without a share nothing is sent again, not even the few that are always allowed otherwise."""
    budget = RetryBudget(0.0, 3, 60.0)
    budget.sent(0.0)
    assert not budget.spend(0.0)


def test_where_answers_take_long_the_calls_that_end_count_for_the_budget() -> None:
    """They were sent before: eleven stray faults among ninety answers are no storm."""
    budget = RetryBudget(0.2, 10, 60.0)
    assert [budget.spend(0.0, ended=90) for _ in range(20)].count(True) == 18


def test_stray_faults_are_no_overload() -> None:
    """One call in twelve fails, and by chance three of ten: fewer calls at once would help nobody."""
    breaker = Breaker()
    for number in range(36):
        breaker.note(number % 12 != 0, 0.1 * number)
    for ok in (False, True, False, True, False):
        breaker.note(ok, 4.0)
    assert not breaker.struggling
    for _ in range(6):
        breaker.note(False, 5.0)
    assert breaker.struggling
    assert breaker.seen == 47


def test_the_breaker_opens_with_the_part_of_refusals() -> None:
    """Half refused: nothing happens yet. All refused: nearly every try is in vain."""
    breaker = Breaker()
    for ok in (True, False) * 10:
        breaker.note(ok, 0.0)
    assert breaker.refusing == 0.0
    for _ in range(200):
        breaker.note(False, 1.0)
    assert breaker.refusing > 0.8
    assert breaker.struggling
    breaker.note(True, 500.0)
    assert breaker.refusing == 0.0
