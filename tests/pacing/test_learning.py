"""What answers teach."""

import pytest

from daemon.model import Reading
from daemon.pacing.learning import observe, plausible, tell_shared
from daemon.pacing.ledger import Ledger
from daemon.pacing.reshaping import reshape


@pytest.mark.parametrize(
    "reading",
    [
        Reading("requests", -1, -1, 0),
        Reading("requests", 0, 0, 0),
        Reading("requests", 10, 11, 0),
        Reading("requests", 10, 5, -3),
        Reading("requests", 10, 5, 1e12),
        Reading("requests", float("inf"), 5, 1),
        Reading("requests", float("nan"), 5, 1),
        Reading("tokens", 1e300, 5, 1),
    ],
)
def test_absurd_readings_are_ignored(reading: Reading) -> None:
    """-1, more left than the limit, a negative reset: nothing is learned from them."""
    assert not plausible(reading)
    ledger = Ledger("requests", 60.0)
    observe(ledger, reading, charge=None, seq=1, sent_at=0.0, now=0.0, early=True)
    assert ledger.limit is None


def test_a_changed_limit_is_taken_at_once() -> None:
    """A tier upgrade counts from the next call on, and old samples say nothing about it."""
    ledger = Ledger("requests", 60.0)
    for seq in range(4):
        charge = ledger.take(seq, 1.0, float(seq))
        observe(
            ledger,
            Reading("requests", 10, 9 - seq, 6.0 * seq + 6),
            charge=charge,
            seq=seq,
            sent_at=seq,
            now=seq,
            early=True,
        )
    charge = ledger.take(9, 1.0, 9.0)
    observe(ledger, Reading("requests", 500, 495, 0.6), charge=charge, seq=9, sent_at=9.0, now=9.1, early=True)
    assert ledger.cap == 500
    assert len(ledger.samples) == 1


def test_limits_of_one_kind_share_what_is_learned() -> None:
    """A configured limit is counted by the provider in the same way as the one its headers speak of."""
    own, configured, other = (
        Ledger("requests", 60.0),
        Ledger("requests", 60.0, ceiling=5),
        Ledger("tokens", 60.0, ceiling=5),
    )
    reshape(own, 0.0, shape="bucket")
    tell_shared([own, configured, other], own, 0.0)
    assert configured.shape == "bucket"
    assert other.shape == "unknown"
