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


def told(ledger: Ledger, seq: int, at: float, limit: float, remaining: float) -> None:
    """Send a call and hear the answer of the same instant."""
    charge = ledger.take(seq, 1.0, at)
    reading = Reading("requests", limit, remaining, 1.0)
    observe(ledger, reading, charge=charge, seq=seq, sent_at=at, now=at, early=True)


def test_of_a_wide_limit_one_answer_in_a_moment_is_enough() -> None:
    """A thousand answers in a second say ten times that nearly all is left; our own calls are counted as ever."""
    ledger, learned = Ledger("requests", 60.0), set[int]()
    for seq in range(1000):
        told(ledger, seq, seq / 1000, 100_000, 99_999 - seq)
        assert ledger.anchor is not None
        learned.add(ledger.anchor.seq)
    assert len(learned) == 10
    assert ledger.avail(1.0) == 99_000


@pytest.mark.parametrize(
    ("limit", "remaining"),
    [(100_000, 89_000), (50_000, 49_999), (500, 499)],
    ids=["it is used after all", "it has changed", "it is narrow"],
)
def test_what_matters_is_learned_at_once(limit: float, remaining: float) -> None:
    """However soon after another answer: others use the limit, it is another one now, or it is a narrow one."""
    ledger = Ledger("requests", 60.0)
    told(ledger, 1, 0.0, 500 if limit == 500 else 100_000, 500 if limit == 500 else 99_999)
    told(ledger, 2, 0.001, limit, remaining)
    assert ledger.anchor is not None
    assert (ledger.anchor.seq, ledger.limit) == (2, limit)


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


def test_refusals_that_name_no_end_say_nothing_of_when_windows_end() -> None:
    """Four calls were under way when the window was used up, and each refusal gives its figures alone: that once broke
    what was learned, and the calls with it."""
    ledger = Ledger("requests", 60.0, limit=10)
    reshape(ledger, 0.0, shape="fixed")
    ledger.boundary = 0.0
    for seq in range(6):
        charge = ledger.take(seq, 1.0, 1.0 + 0.1 * seq)
        observe(ledger, Reading("requests", 10, 0), charge=charge, seq=seq, sent_at=1.0, now=2.0, early=True)
    assert ledger.boundary == 0.0
    assert ledger.seen_at == 2.0


def test_what_breaks_while_learning_loses_no_call(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It is told in the log with its traceback, and the next answer is learned from."""
    ledger = Ledger("requests", 60.0)
    monkeypatch.setattr("daemon.pacing.learning.doubt_slices", lambda ledger, now: 1 / 0)
    observe(ledger, Reading("requests", 10, 9), charge=None, seq=1, sent_at=0.0, now=0.0, early=True)
    monkeypatch.undo()
    assert "ZeroDivisionError" in caplog.text
    caplog.clear()
    observe(ledger, Reading("requests", 10, 8), charge=None, seq=2, sent_at=1.0, now=1.0, early=True)
    assert ledger.limit == 10


def test_nothing_left_is_not_believed_where_calls_are_let_through_all_the_same() -> None:
    """A relay says `remaining: 0` with each success. After some of them our own sum counts alone; a refusal, or another
    figure, makes what is said count again."""
    ledger = Ledger("requests", 60.0)

    def hear(seq: int, remaining: float, *, passed: bool = True) -> None:
        charge = ledger.take(seq, 1.0, float(seq))
        told = Reading("requests", 600, remaining, 60.0)
        observe(
            ledger, told, charge=charge, seq=seq, sent_at=float(seq), now=seq + 0.3, early=False, passed=passed
        )  # fmt: skip

    for seq in range(1, 6):
        hear(seq, 0)
        assert ledger.avail(seq + 0.4) <= 0
    hear(6, 0)
    assert ledger.avail(6.4) == 594
    hear(7, 300)
    assert ledger.avail(7.4) == 300
    hear(8, 0, passed=False)
    assert ledger.avail(8.4) == 0


def test_nothing_left_is_believed_where_we_have_used_it_up_ourselves() -> None:
    """Ten a minute, and ten have gone: that the last ones were let through is what the limit is for."""
    ledger = Ledger("requests", 60.0)
    for seq in range(1, 11):
        charge = ledger.take(seq, 1.0, seq / 100)
        observe(
            ledger, Reading("requests", 10, 0, 50.0), charge=charge, seq=seq, sent_at=seq / 100, now=1 + seq / 100,
            early=False, passed=True,
        )  # fmt: skip
    assert ledger.anchor is not None
