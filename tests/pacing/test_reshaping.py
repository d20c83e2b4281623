"""A ledger takes over a new idea of how the provider counts."""

from daemon.pacing.ledger import Ledger
from daemon.pacing.reshaping import level_up, reshape


def test_charges_survive_a_new_shape_and_period() -> None:
    """What was sent stays counted."""
    ledger = Ledger("requests", 60.0, ceiling=10)
    for seq in range(4):
        ledger.take(seq, 1.0, 100.0)
    reshape(ledger, 101.0, shape="sliding", period_s=30.0)
    assert ledger.avail(101.0) == 6
    reshape(ledger, 101.0, shape="bucket")
    assert 6 <= ledger.avail(101.0) < 6.5


def test_a_lower_ceiling_binds_the_bucket_at_once() -> None:
    """A reload of the config takes effect without a restart."""
    ledger = Ledger("requests", 60.0, ceiling=10)
    reshape(ledger, 0.0, shape="bucket")
    ledger.ceiling = 2
    level_up(ledger, 0.0)
    assert ledger.avail(0.0) == 2


def test_leaving_slices_forgets_their_boundary() -> None:
    """One slice is the whole period."""
    ledger = Ledger("requests", 60.0, ceiling=10)
    reshape(ledger, 0.0, slices=5)
    ledger.slice_boundary = 3.0
    reshape(ledger, 1.0, slices=1)
    assert ledger.slice_boundary is None
    assert ledger.log.slices is None
