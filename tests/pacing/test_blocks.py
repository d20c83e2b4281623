"""Charges in blocks, and the sums over any stretch of them."""

import random

import pytest
from effort import steps

from daemon.pacing.blocks import BLOCK, Blocks, Charge


def filled(count: int, rng: random.Random) -> Blocks:
    """COUNT charges, a second apart, of random amounts."""
    blocks = Blocks()
    for seq in range(count):
        blocks.append(Charge(seq, float(seq), rng.uniform(0.0, 9.0), 9.0))
    return blocks


def test_sums_are_those_counted_one_by_one() -> None:
    """Over any stretch, also after charges were changed, forgotten and put in place of others."""
    for seed in range(30):
        rng = random.Random(seed)
        blocks = filled(rng.randint(1, 1500), rng)
        for _ in range(200):
            charge = rng.choice(blocks.charges)
            blocks.change(charge, rng.uniform(0.0, 9.0), rng.choice([None, 0.0, 4.0]))
        blocks.forget(rng.randint(0, len(blocks.charges)))
        n = len(blocks.charges)
        a, b = sorted((rng.randint(0, n), rng.randint(0, n)))
        blocks.replace(a, b, [Charge(0, 0.0, 7.0, 9.0, 2.0, calls=3)] if b > a else [])
        amounts = [charge.amount for charge in blocks.charges]
        for _ in range(100):
            first, end = rng.randint(0, len(amounts)), rng.randint(0, len(amounts))
            assert blocks.total(first, end) == pytest.approx(sum(amounts[first:end]), abs=1e-9)
            unused = sum(c.amount - c.actual for c in blocks.charges[first:] if c.actual is not None)
            assert blocks.unused(first) == pytest.approx(unused, abs=1e-9)
        assert all(blocks.index(charge) == i for i, charge in enumerate(blocks.charges))


def test_where_a_sum_is_reached() -> None:
    """The same charge as when walking from one to the next; none when there is not as much."""
    for seed in range(30):
        rng = random.Random(seed)
        blocks = filled(1000, rng)
        blocks.replace(200, 230, [Charge(0, 229.0, 50.0, 90.0, calls=30)])
        first, least = rng.randint(0, 900), rng.uniform(0.0, 5000.0)
        total, place, before = 0.0, None, 0
        for i, charge in enumerate(blocks.charges[first:], first):
            total += charge.amount
            if total >= least:
                place = i
                break
            before += charge.calls
        assert blocks.reach(first, least) == place
        if place is not None:
            assert blocks.nth(first, before) == place
    assert blocks.nth(0, 10_000) == len(blocks.charges) - 1


def test_what_is_forgotten_is_in_no_sum() -> None:
    """Whole blocks go; a charge that is here no longer can be changed without harm."""
    blocks = filled(3 * BLOCK, random.Random(1))
    old, kept = blocks.charges[3], blocks.charges[BLOCK]
    assert blocks.forget(BLOCK + 5) == BLOCK
    total = blocks.total(0, 2 * BLOCK)
    assert not blocks.change(old, 1000.0, None)
    assert blocks.total(0, 2 * BLOCK) == total
    assert (blocks.index(old), blocks.index(kept)) == (None, 0)


def test_a_sum_over_many_is_no_more_work_than_over_few() -> None:
    """A hundred times as many charges cost at most three times as many steps."""
    few, many = filled(1000, random.Random(1)), filled(100_000, random.Random(1))

    def work(blocks: Blocks) -> int:
        n = len(blocks.charges)
        return steps(lambda: [blocks.total(37, n - 5), blocks.unused(37), blocks.change(blocks.charges[n // 2], 1, 0)])

    assert work(many) < 1.2 * work(few)
