"""Old charges that lie close together become one: sums stay, and never more is let go."""

import random

import pytest

from daemon.pacing.blocks import Charge
from daemon.pacing.charges import ChargeLog, Window
from daemon.pacing.ledger import Ledger
from daemon.pacing.thinning import OLD_PARTS, PARTS, thinned

GUARD_S = 0.05


def test_only_what_has_ended_is_added_up() -> None:
    """A charge that may still change stays itself, and so does one that something counts from; nothing crosses them."""
    charges = [Charge(seq, seq / 100, 2.0, 3.0, 1.0, ended=seq != 4, place=seq) for seq in range(10)]
    fewer = thinned(charges, 1.0, (7,))
    assert [(c.seq, c.amount, c.calls) for c in fewer] == [(3, 8, 4), (4, 2, 1), (6, 4, 2), (7, 2, 1), (9, 4, 2)]
    assert fewer[1] is charges[4]
    assert fewer[3] is charges[7]
    assert (fewer[0].at, fewer[0].span_s, fewer[0].reserved, fewer[0].unused) == (0.03, 0.03, 12.0, 4.0)


def test_what_was_undone_counts_nothing() -> None:
    """A run that was undone as a whole has gone; a part of it only adds nothing."""
    gone = [Charge(seq, seq / 100, 0.0, 3.0, gone=True, ended=True) for seq in range(3)]
    one = Charge(3, 0.03, 3.0, 3.0, ended=True)
    assert [(c.gone, c.amount, c.reserved) for c in thinned(gone, 1.0, ())] == [(True, 0.0, 0.0)]
    assert [(c.gone, c.amount, c.reserved) for c in thinned([*gone, one], 1.0, ())] == [(False, 3.0, 3.0)]


def history(seed: int) -> tuple[ChargeLog, ChargeLog, list[tuple[Charge, Charge]], float]:
    """The same calls in a log that is thinned out and in one that is not: bursts, pauses, calls that end late, are
    undone, cost less, leave late."""
    rng, now = random.Random(seed), 1000.0
    thin, full = ChargeLog(Window(60.0), Window(10.0)), ChargeLog(Window(60.0), Window(10.0))
    running, pairs, rate = list[tuple[Charge, Charge]](), list[tuple[Charge, Charge]](), 100.0
    for seq in range(8000):
        if rng.random() < 0.001:
            rate = rng.choice([20.0, 200.0, 2000.0])
            now += rng.choice([0.0, 0.0, 1.0, 30.0])
        now += rng.expovariate(rate)
        for log in (thin, full):
            log.advance(now, GUARD_S)
            log.since_mark(log.period_mark, now // 60 * 60)
        if thin.dense:
            thin.thin(now, GUARD_S, (pairs[-1][0].seq,))
        amount = rng.choice([1.0, rng.uniform(0.0, 9.0)])
        pair = Charge(seq, now, amount, amount), Charge(seq, now, amount, amount)
        thin.add(pair[0])
        full.add(pair[1])
        pairs.append(pair)
        running.append(pair)
        if rng.random() < 0.02:
            for log, charge in zip((thin, full), pair, strict=True):
                log.postpone(charge, now + 0.01)
            now += 0.01
        while len(running) > 1 and rng.random() < 0.6:
            ending = running.pop(rng.randrange(min(40, len(running))))
            how = rng.random()
            for log, charge in zip((thin, full), ending, strict=True):
                if how < 0.2:
                    charge.gone = True
                    log.change(charge, 0.0)
                elif how < 0.5:
                    log.cost(charge, charge.amount * how)
                charge.ended = True
    return thin, full, pairs, now


@pytest.mark.parametrize("seed", range(12))
def test_sums_are_those_of_the_single_charges(seed: int) -> None:
    """A window never holds less than it would with each charge by itself, nor more than those that have left it within
    a part; sums over any stretch lie between those of a stretch that is so much shorter and so much longer."""
    thin, full, pairs, now = history(seed)
    assert len(thin.entries) < len(full.entries)
    for mine, exact in pairs:
        if not mine.ended:
            assert thin.blocks.index(mine) is not None
            assert (mine.amount, mine.at) == (exact.amount, exact.at)
    rng = random.Random(seed)
    for seconds in (0.0, 0.3, 3.0, 20.0, 35.0, 61.0):
        now += seconds
        for log in (thin, full):
            log.advance(now, GUARD_S)
            log.advance_way(now, GUARD_S)
        for window, exactly in zip(thin.windows, full.windows, strict=True):
            before = full.between(window.edge - 60.0 / PARTS - GUARD_S / 4, window.edge)
            assert exactly.total - 1e-6 <= window.total <= exactly.total + before + 1e-6
        for _ in range(50):
            start = rng.uniform(now - 110.0, now)
            end = rng.uniform(start, now)
            wide = 60.0 / (PARTS if start > now - 60.0 else OLD_PARTS) + GUARD_S / 4
            total = thin.between(start, end)
            assert full.between(start, end - wide) - 1e-6 <= total <= full.between(start - wide, end) + 1e-6


def test_giving_back_reaches_what_was_added_up() -> None:
    """A provider turns out to give unused tokens back: the sums fall by all of them, also by those of charges that are
    no longer single ones."""
    ledger, now, unused = Ledger("tokens", 60.0, ceiling=1e9), 0.0, 0.0
    for seq in range(5000):
        now += 0.01
        charge = ledger.take(seq, 10.0, now)
        if seq % 3:
            ledger.settle(charge, 4.0, now)
            unused += 6.0
        charge.ended = True
    assert len(ledger.log.entries) < 2000
    assert ledger.log.window.total == pytest.approx(50_000)
    ledger.give_back()
    assert ledger.log.window.total == pytest.approx(50_000 - unused)
    assert ledger.log.between(0.0, now) == pytest.approx(50_000 - unused)


def test_an_hour_of_many_calls_stays_small() -> None:
    """Two hundred thousand calls within a limit's hour, of which some run for a minute: a few thousand charges are
    kept, the running ones among them."""
    ledger, now, running = Ledger("requests", 3600.0, ceiling=1e9), 0.0, list[Charge]()
    for seq in range(200_000):
        now += 0.018
        running.append(ledger.take(seq, 1.0, now))
        if len(running) > 100:
            running.pop(-1 if seq % 4 else 0).ended = True
    assert ledger.log.window.total == pytest.approx(200_000)
    assert len(ledger.log.entries) < 3000
    assert all(ledger.log.blocks.index(charge) is not None for charge in running)
