"""Charges and their running sums."""

import random

from daemon.pacing.blocks import Charge
from daemon.pacing.charges import ChargeLog, Mark, Window


def test_running_sums_equal_the_sums_counted_anew() -> None:
    """The moving windows' totals are exact over a random history of charges, corrections and passing time."""
    for seed in range(30):
        rng = random.Random(seed)
        log, now, all_charges = ChargeLog(Window(10.0), Window(2.0)), 0.0, []
        for seq in range(1200):
            now += rng.expovariate(20.0)
            log.advance(now, 0.05)
            charge = Charge(seq, now, rng.uniform(0, 5), 0.0)
            log.add(charge)
            all_charges.append(charge)
            if rng.random() < 0.2:
                log.change(rng.choice(all_charges[-50:]), rng.uniform(0, 5))
        log.advance(now, 0.05)
        for window, length in ((log.window, 10.0), (log.slices, 2.0)):
            assert window is not None
            exact = sum(c.amount for c in all_charges if c.at > now - length - 0.05)
            assert abs(window.total - exact) < 1e-6, f"seed {seed}"


def test_a_mark_counts_what_came_since_an_instant() -> None:
    """The sum since the beginning of a fixed window follows additions and corrections."""
    log = ChargeLog(Window(10.0))
    first, second = Charge(1, 1.0, 3.0, 3.0), Charge(2, 5.0, 4.0, 4.0)
    log.add(first)
    log.add(second)
    assert log.since_mark(log.period_mark, 4.0) == 4.0
    log.add(Charge(3, 6.0, 2.0, 2.0))
    log.change(second, 1.0)
    assert log.since_mark(log.period_mark, 4.0) == 3.0
    assert isinstance(log.period_mark, Mark)


def test_exit_says_when_enough_has_left() -> None:
    """Room for 2 units comes when the charges that hold them are one period (and the guard) old."""
    log = ChargeLog(Window(10.0))
    for seq, at in enumerate((1.0, 2.0, 3.0)):
        log.add(Charge(seq, at, 1.0, 1.0))
    assert log.exit_of(2.0, log.window, 0.05) == 2.0 + 10.05
    assert log.exit_of(9.0, log.window, 0.05) == float("inf")


def test_old_charges_are_forgotten() -> None:
    """Memory stays in proportion to two windows, whatever the number of calls."""
    log = ChargeLog(Window(1.0))
    for seq in range(50_000):
        now = seq / 100
        log.advance(now, 0.0)
        log.add(Charge(seq, now, 1.0, 1.0))
    assert len(log.entries) < 2_000


def test_a_call_that_left_late_leaves_its_window_late() -> None:
    """It is dated anew, and so are those behind it that could not have gone before it; sums stay right."""
    log = ChargeLog(Window(6.0))
    charges = [Charge(seq, 1.0 + seq / 10, 1.0, 1.0) for seq in range(5)]
    for charge in charges:
        log.add(charge)
    log.advance_way(1.45, 0.0)
    log.postpone(charges[1], 1.25)
    assert [c.at for c in log.entries] == [1.0, 1.25, 1.25, 1.3, 1.4]
    log.advance(7.2, 0.0)
    assert log.window.total == 4
    log.advance(7.26, 0.0)
    assert log.window.total == 2


def test_calls_of_one_instant_may_come_in_any_order() -> None:
    """What goes at the same time, or within the guard, may be counted before it; what went before it is not asked."""
    log = ChargeLog(Window(6.0))
    charges = [Charge(seq, at, 1.0, 1.0) for seq, at in enumerate((1.0, 1.0, 1.0, 1.04, 1.2))]
    for charge in charges:
        log.add(charge)
    assert log.beside(charges[0], 0.05) == 3
    assert log.beside(charges[2], 0.05) == 1
    assert log.beside(charges[4], 0.05) == 0


def test_a_pause_after_a_burst() -> None:
    """The windows about what is on its way only move when a call goes. After a burst and a long pause they lie behind
    the others; nothing may be forgotten under their feet."""
    log = ChargeLog(Window(60.0))
    for seq in range(600):
        log.advance(seq * 0.01, 0.05)
        log.advance_way(seq * 0.01, 0.05)
        log.add(Charge(seq, seq * 0.01, 1.0, 1.0))
    for now in (200.0, 200.1, 400.0):
        log.advance(now, 0.05)
        assert min(window.first for window in log.windows) >= 0
        log.advance_way(now, 0.05)
        assert [window.total for window in log.windows] == [0.0, 0.0, 0.0]


def test_pauses_of_any_length() -> None:
    """With bursts and pauses as they come, also longer than two periods, each sum is that counted anew."""
    rng = random.Random(7)
    for _ in range(30):
        log, now, charges = ChargeLog(Window(60.0)), 0.0, list[Charge]()
        for seq in range(1500):
            now += rng.choice((0.0, 0.001, 0.01, 0.3)) if rng.random() < 0.995 else rng.uniform(20.0, 500.0)
            log.advance(now, 0.05)
            if rng.random() < 0.7:
                log.advance_way(now, 0.05)
                charges.append(Charge(seq, now, rng.random(), 1.0))
                log.add(charges[-1])
        for window in log.windows:
            assert window.first >= 0
            assert abs(window.total - sum(c.amount for c in charges if c.at > window.edge)) < 1e-6
