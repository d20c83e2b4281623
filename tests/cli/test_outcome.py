"""What two outcomes say together."""

from __future__ import annotations

import json

import pytest

from daemon.cli.outcome import Outcome, of_row, page, verdict

GOOD = Outcome(200, None, seconds=0.5)
BAD = Outcome(
    429, "insufficient_quota", "No credit left.", ({"dimension": "requests", "limit": 60.0, "remaining": 3.0},)
)
OTHER = Outcome(None, "timeout", "No answer in time.")


@pytest.mark.parametrize(
    ("first", "later", "word", "text"),
    [
        (BAD, [GOOD], "passing", "The same call works now: it was a passing fault."),
        (BAD, [BAD, BAD], "same", "It fails in the same way: 429 insufficient_quota. No credit left."),
        (BAD, [OTHER], "other", "in another way than before (429 insufficient_quota): no answer timeout."),
        (BAD, [GOOD, BAD, GOOD], "sometimes", "2 of 3 work now, so it comes and goes: 429"),
        (GOOD, [GOOD], "works", "as it did the first time"),
        (GOOD, [OTHER], "broken", "worked the first time, and fails now: no answer timeout"),
    ],
)
def test_verdicts(first: Outcome, later: list[Outcome], word: str, text: str) -> None:
    """Each pair has a word for programs, and a sentence that says whether it was a passing fault."""
    said = verdict(first, later)
    assert said[0] == word
    assert text in said[1]


def test_the_page() -> None:
    """First and again below each other, with status, subtype, time and limits."""
    lines = page(BAD, [GOOD, GOOD])
    assert lines[0].split()[:2] == ["answer", "took"]
    assert "3 of 60 requests left" in lines[1]
    assert lines[2].startswith("again 1  200")
    assert lines[-1] == "The same call works now: it was a passing fault."


def test_a_limit_without_a_rest() -> None:
    """A header may state the limit alone."""
    assert "60 tokens" in page(Outcome(200, None, limits=({"dimension": "tokens", "limit": 60},)), [GOOD])[1]


def test_rows_of_the_journal() -> None:
    """The last attempt counts; a call that was cancelled or interrupted counts as failed."""
    row = {
        "id": "c1",
        "state": "failed",
        "status": 429,
        "subtype": "requests",
        "line": "x",
        "tries": [{"sent_at": 1.0}, {"sent_at": 5.0, "ended_at": 5.5, "readings": [{"dimension": "requests"}]}],
    }
    one = of_row(row)
    assert (one.name, one.seconds, one.call, one.failed) == ("429 requests", 0.5, "c1", True)
    assert of_row({"state": "cancelled"}).failed
    assert not of_row({"state": "done", "status": 200}).failed
    json.dumps(one.as_json())


def test_the_verdict_on_a_terminal() -> None:
    """It breaks between words."""
    one = Outcome(
        429, "insufficient_quota", "OpenAI: no credit left on this account. Waiting will not help: add credit."
    )
    assert max(len(line) for line in page(one, [one])) > 80
    assert max(len(line) for line in page(one, [one], most=80)) <= 80
