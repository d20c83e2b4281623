"""One limit and what is left of it."""

import random

import pytest

from daemon.model import Reading
from daemon.pacing.learning import observe
from daemon.pacing.ledger import Ledger
from daemon.pacing.reshaping import reshape


def known(limit: float = 10, period_s: float = 60.0, **more: object) -> Ledger:
    """A configured limit of which nothing else is known."""
    return Ledger("requests", period_s, ceiling=limit, **more)  # type: ignore[arg-type]


def test_without_a_limit_nothing_is_held_back() -> None:
    """Unknown means free; careful growth is elsewhere."""
    ledger = Ledger("requests", 60.0)
    assert ledger.wait_s(1.0, 0.0) == 0
    assert ledger.avail(0.0) == float("inf")


def test_an_unknown_shape_never_exceeds_the_limit_in_any_period() -> None:
    """Our own sum over a moving period is safe for buckets, windows and sliding logs alike."""
    for seed in range(50):
        rng, ledger, now, sent = random.Random(seed), known(7, 10.0), 0.0, []
        for seq in range(300):
            now += rng.expovariate(3.0)
            if ledger.wait_s(1.0, now) == 0:
                ledger.take(seq, 1.0, now)
                sent.append(now)
        for at in sent:
            assert sum(1 for t in sent if at - 10.0 < t <= at) <= 7, f"seed {seed}"


def test_the_wait_is_long_enough_and_ends() -> None:
    """After exactly the stated wait the call fits: no second look is needed."""
    ledger = known(5, 10.0)
    for seq in range(5):
        ledger.take(seq, 1.0, 100.0 + seq)
    wait = ledger.wait_s(2.0, 106.0)
    assert wait == pytest.approx(101.0 + 10.0 + ledger.guard_s - 106.0)
    assert ledger.wait_s(2.0, 106.0 + wait + 1e-6) == 0


def test_a_share_leaves_the_rest_to_others() -> None:
    """share 0.5 of 10 is 5, with config and with headers."""
    ledger = known(10, 60.0, share=0.5)
    assert ledger.avail(0.0) == 5
    ledger.limit = 10
    assert ledger.avail(0.0) == 5


def test_config_is_a_ceiling() -> None:
    """The smaller of what the provider states and what the user allows binds."""
    ledger = known(10)
    ledger.limit = 100.0
    assert ledger.cap == 10
    ledger.limit = 4.0
    assert ledger.cap == 4


def test_an_answer_reveals_what_others_used() -> None:
    """`remaining` is lower than our own sum explains: it binds, minus what we sent since."""
    ledger = Ledger("requests", 60.0)
    first, second = ledger.take(1, 1.0, 0.0), ledger.take(2, 1.0, 0.1)
    reading = Reading("requests", 10, 3, 50.0)
    observe(ledger, reading, charge=first, seq=1, sent_at=0.0, now=0.2, early=True)
    assert second.amount == 1
    assert ledger.avail(0.3) == 2


def test_an_old_answer_does_not_replace_a_newer_one() -> None:
    """Answers count in the order in which their calls were SENT."""
    ledger = Ledger("requests", 60.0)
    charges = [ledger.take(seq, 1.0, seq / 10) for seq in range(3)]
    observe(ledger, Reading("requests", 10, 5, 9.0), charge=charges[2], seq=2, sent_at=0.2, now=1.0, early=True)
    observe(ledger, Reading("requests", 10, 9, 6.0), charge=charges[0], seq=0, sent_at=0.0, now=2.0, early=True)
    assert ledger.anchor is not None
    assert ledger.anchor.remaining == 5


def test_undoing_a_charge_gives_its_room_back_once() -> None:
    """A refused call did not count, however often that is said."""
    ledger = known(2)
    charge = ledger.take(1, 2.0, 0.0)
    assert ledger.avail(0.0) == 0
    ledger.undo(charge)
    ledger.undo(charge)
    assert ledger.avail(0.0) == 2


def test_unused_tokens_count_until_the_provider_has_shown_that_they_come_back() -> None:
    """Assuming refunds that do not exist would provoke refusals."""
    ledger = Ledger("tokens", 60.0, ceiling=1000)
    charge = ledger.take(1, 800.0, 0.0)
    assert ledger.settle(charge, 100.0, 1.0) == 0
    assert ledger.avail(1.0) == 200
    ledger.give_back()
    assert ledger.avail(1.0) == 900
    assert ledger.settle(ledger.take(2, 500.0, 2.0), 600.0, 3.0) == -100
    assert ledger.avail(3.0) == 300


def test_what_was_only_guessed_was_never_reserved() -> None:
    """The call set no maximum: what we took for its answer was ours alone, and comes back whatever the provider does
    with reservations. It is no sign that he gives some back."""
    ledger = Ledger("tokens", 60.0, ceiling=1000)
    charge = ledger.take(1, 800.0, 0.0)
    assert ledger.settle(charge, 100.0, 1.0, guessed=True) == 700
    assert ledger.avail(1.0) == 900
    assert not ledger.unused


def test_better_estimates_begin_the_scale_anew() -> None:
    """That less was charged than we reserved came of the reserve, which is right now."""
    ledger = Ledger("tokens", 60.0, ceiling=1000)
    ledger.scale, ledger.compared.ours = 0.5, 700.0
    ledger.begin_scale(3.0)
    assert (ledger.scale, ledger.scaled_at, ledger.compared.ours) == (1.0, 3.0, 0.0)


def test_a_hold_lets_nothing_through_before_its_end() -> None:
    """The provider said when."""
    ledger = known(10)
    ledger.hold(5.0)
    ledger.hold(3.0)
    assert ledger.wait_s(1.0, 2.0) == 3.0
    assert ledger.wait_s(1.0, 5.0) == 0


def test_more_than_the_limit_goes_when_everything_is_free() -> None:
    """A maximum answer length above the limit: the provider decides, once nothing else is counted."""
    ledger = Ledger("tokens", 60.0, ceiling=100)
    ledger.take(1, 10.0, 0.0)
    assert ledger.wait_s(500.0, 1.0) == pytest.approx(59.0 + ledger.guard_s)
    assert ledger.wait_s(500.0, 61.0) == 0


def test_sleep_makes_everything_older() -> None:
    """An hour that our clock did not count empties the window."""
    ledger = known(3)
    for seq in range(3):
        ledger.take(seq, 1.0, 0.0)
    assert ledger.avail(1.0) == 0
    ledger.shift(3600.0)
    assert ledger.avail(1.0) == 3


def test_a_bucket_that_idled_holds_no_more_than_its_capacity() -> None:
    """After an hour, one full bucket may go, and not two."""
    ledger = Ledger("requests", 60.0)
    charge = ledger.take(1, 1.0, 0.0)
    observe(ledger, Reading("requests", 10, 9, 6.0), charge=charge, seq=1, sent_at=0.0, now=0.1, early=True)
    reshape(ledger, 0.1, shape="bucket")
    for seq in range(2, 12):
        assert ledger.wait_s(1.0, 3600.0) == 0
        ledger.take(seq, 1.0, 3600.0)
    assert ledger.wait_s(1.0, 3600.0) > 5
