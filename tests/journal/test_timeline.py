"""Steps in words."""

import pytest

from daemon.journal.timeline import words


@pytest.mark.parametrize(
    ("step", "said"),
    [
        ({"kind": "queued"}, "came in"),
        ({"kind": "queued", "reason": "requests a minute"}, "came in, waits for: requests a minute"),
        ({"kind": "admitted", "attempt": 1, "wait_s": 0.01}, "may go"),
        ({"kind": "admitted", "attempt": 2, "wait_s": 3.0}, "may go, after 3.0 s in the queue (attempt 2)"),
        ({"kind": "sent", "attempt": 2}, "sent (attempt 2)"),
        ({"kind": "answered", "status": 429}, "answered with status 429"),
        ({"kind": "first_byte"}, "the answer begins"),
        ({"kind": "failed", "reason": "Too many."}, "failed: Too many."),
        ({"kind": "failed", "status": 500}, "failed with status 500"),
        ({"kind": "held", "wait_s": 2.0, "reason": "Retry-After"}, "goes again in 2.0 s: Retry-After"),
        ({"kind": "held"}, "waits to go again"),
        ({"kind": "done"}, "done"),
        ({"kind": "cancelled", "reason": "the client left"}, "cancelled: the client left"),
        ({"kind": "new-kind"}, "new-kind"),
    ],
)
def test_words(step, said):
    """Each kind of step has its words; an unknown one keeps its name."""
    assert words({"attempt": 0, "status": None, "wait_s": None, "reason": None, **step}) == said


def test_told_in_other_languages():
    """A step is a phrase; its reason is in the words in which it was kept."""
    step = {"kind": "held", "attempt": 1, "status": None, "wait_s": 2.0, "reason": "limite atteinte"}
    assert words(step).told("ko") == "2.0초 뒤에 다시 보내요. 이유: limite atteinte"
    again = words({"kind": "sent", "attempt": 2, "status": None, "wait_s": None, "reason": None})
    assert again.told("zh") == "已发出（第 2 次尝试）"
