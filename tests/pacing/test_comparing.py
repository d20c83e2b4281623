"""`remaining` beside our own charges."""

from daemon.model import Reading
from daemon.pacing.comparing import see_others
from daemon.pacing.learning import observe
from daemon.pacing.ledger import Anchor, Ledger
from daemon.pacing.reshaping import reshape
from daemon.pacing.shapes import Sample


def feed(ledger: Ledger, uses: list[tuple[float, float, float]], *, early: bool = True) -> None:
    """Send calls (at, cost, remaining as answered)."""
    for seq, (at, cost, remaining) in enumerate(uses, 1):
        charge = ledger.take(seq, cost, at)
        observe(
            ledger,
            Reading(ledger.dimension, 1000, remaining, 30.0),
            charge=charge,
            seq=seq,
            sent_at=at,
            now=at + 0.1,
            early=early,
        )


def test_others_on_a_window_are_seen() -> None:
    """The provider counts four more with each of ours."""
    ledger = Ledger("requests", 60.0)
    reshape(ledger, 0.0, shape="sliding")
    feed(ledger, [(float(i), 1.0, 1000.0 - 50 - i) for i in range(1, 8)])
    assert ledger.foreign > 30


def test_others_on_a_bucket_slow_the_expected_refill() -> None:
    """The level rose less than the refill: the rest is what others take each second."""
    ledger = Ledger("requests", 100.0, limit=1000)
    reshape(ledger, 0.0, shape="bucket")
    for i in range(9):
        before = Anchor(i, 10.0 * i, 500.0 + 50 * i, None)
        see_others(ledger, before, Sample(i + 1, 10.0 * (i + 1), 0.0, 1000, 550.0 + 50 * i, None, 0, 0))
    assert 3 < ledger.other_rate < 6


def test_what_comes_back_from_our_own_calls_is_nobody_elses() -> None:
    """Calls end all the time and give back what they reserved; counted when it came back, it leaves nothing
    unexplained, whatever order answers come in."""
    ledger = Ledger("tokens", 60.0, limit=6000)
    reshape(ledger, 0.0, shape="bucket")
    ledger.refunds = ledger.admission_stamps = True
    level, charges = 6000.0, []
    for seq in range(1, 200):
        now = 0.25 * seq
        level = min(6000.0, level + 25.0)
        if seq > 4:
            ledger.settle(charges[seq - 5], 20.0, now)
            level += 60.0
        charges.append(ledger.take(seq, 80.0, now))
        level -= 80.0
        if seq > 3:
            was = charges[seq - 4]
            reading = Reading("tokens", 6000, level + 80.0 * 3 - 25.0 * 3 - 60.0 * min(3, max(0, seq - 4)))
            observe(ledger, reading, charge=was, seq=seq - 3, sent_at=was.at, now=now + 0.1, early=False)
    assert ledger.other_rate <= 0.06 * ledger.rate


def test_refunds_are_believed_when_they_are_seen() -> None:
    """Each call reserves 100 and uses 10; the provider counts 10: two answers later so do we."""
    ledger = Ledger("tokens", 60.0)
    ledger.shape, ledger.admission_stamps = "sliding", True
    used = 0.0
    for seq in range(1, 9):
        at = float(seq)
        charge = ledger.take(seq, 100.0, at)
        reading = Reading("tokens", 1000, 1000 - used - 100, 50.0)
        observe(ledger, reading, charge=charge, seq=seq, sent_at=at, now=at + 0.2, early=True)
        ledger.settle(charge, 10.0, at + 0.3)
        used += 10
    assert ledger.refunds
    assert ledger.avail(9.0) > 800


def test_refunds_are_not_believed_when_they_are_not() -> None:
    """The provider keeps what was reserved."""
    ledger = Ledger("tokens", 60.0)
    ledger.admission_stamps = True
    for seq in range(1, 9):
        at = float(seq)
        charge = ledger.take(seq, 100.0, at)
        reading = Reading("tokens", 1000, 1000 - 100 * seq, 50.0)
        observe(ledger, reading, charge=charge, seq=seq, sent_at=at, now=at + 0.2, early=True)
        ledger.settle(charge, 10.0, at + 0.3)
    assert not ledger.refunds


def test_a_provider_that_charges_less_than_we_do_is_learned() -> None:
    """Our estimate is half too high: after some calls the charge is what the provider takes."""
    ledger = Ledger("tokens", 60.0)
    ledger.shape = "sliding"
    ledger.admission_stamps = True
    used = 0.0
    for seq in range(1, 30):
        at = float(seq) / 2
        cost = 15.0 * ledger.scale
        charge = ledger.take(seq, cost, at)
        used += 10
        reading = Reading("tokens", 1000, 1000 - used, 50.0)
        observe(ledger, reading, charge=charge, seq=seq, sent_at=at, now=at + 0.05, early=True)
    assert 0.5 < ledger.scale < 0.85


def test_stamps_at_admission_are_told_from_stamps_at_the_end() -> None:
    """Eight calls in flight together: the first answer does, or does not, know the last call."""
    for at_end in (False, True):
        ledger = Ledger("requests", 60.0)
        charges = [ledger.take(seq, 1.0, seq * 0.1) for seq in range(8)]
        for seq, charge in enumerate(charges[:6]):
            remaining = 100 - 8 if at_end else 100 - seq - 1
            reading = Reading("requests", 100, remaining, 5.0)
            observe(ledger, reading, charge=charge, seq=seq, sent_at=charge.at, now=1.0 + seq / 100, early=False)
        assert ledger.admission_stamps is not at_end
