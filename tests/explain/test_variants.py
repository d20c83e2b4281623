"""Wordings, forms and languages that the rules were not written from, and all the damage that clients do to them."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from daemon.explain import Catalogue
from daemon.explain.rules import read_yaml
from daemon.explain.teach import failure_of
from daemon.model import Failure, Finding
from explain.damage import DAMAGE

CATALOGUE = Catalogue.load()
FACTS = ("window", "limit", "used", "requested", "retry_after_s", "reset_at", "model", "plan")
DATA: dict[str, list[Any]] = read_yaml(Path(__file__).parent / "variants.yaml")


def read(row: Any) -> tuple[tuple[str, ...], Failure, dict[str, Any]]:
    """Return what may be said, about what, and which facts it states."""
    want, seen, facts = (row[0], row[1], {}) if isinstance(row, list) else (row["want"], row, row)
    if isinstance(seen, dict) and "text" in seen:
        seen = seen["text"]
    wanted = (want,) if isinstance(want, str) else tuple(want)
    return wanted, failure_of(seen), {name: facts[name] for name in FACTS if name in facts}


def same(said: Any, wanted: Any) -> bool:
    """Return whether a fact is right, numbers within rounding."""
    if isinstance(wanted, str) or said is None:
        return bool(said == wanted)
    return math.isclose(said, wanted, rel_tol=1e-6)


CASES = [read(row) for row in DATA["variants"]]


@pytest.mark.parametrize(("wanted", "failure", "facts"), CASES, ids=[f"{i}-{c[0][0]}" for i, c in enumerate(CASES)])
def test_a_new_wording(wanted: tuple[str, ...], failure: Failure, facts: dict[str, Any]) -> None:
    """One of the honest answers is given, with the numbers that the error states."""
    finding = CATALOGUE.classify(failure)
    assert finding.subtype in wanted, (finding.rule, finding.confidence, failure)
    for name, value in facts.items():
        assert same(getattr(finding, name), value), (name, getattr(finding, name), value)


def test_there_are_enough() -> None:
    """The promise is at least 150 variants beside the catalogue's own examples."""
    assert len(CASES) >= 200


ANSWERS: list[tuple[int, str]] = [(answer["status"], answer["body"]) for answer in DATA["answers"]]


def what(finding: Finding) -> tuple[str, str]:
    """Return what matters: the kind and what to do."""
    return finding.subtype, finding.retry


@pytest.mark.parametrize("name", sorted(DAMAGE))
def test_damage_changes_nothing(name: str) -> None:
    """Whatever a client, a terminal or a web page makes of an answer, it is the same failure; a loss may mean doubt."""
    for status, body in ANSWERS:
        whole = CATALOGUE.classify(Failure(status=status, body=body.encode()))
        seen = CATALOGUE.classify(Failure(text=DAMAGE[name](status, body)))
        if seen.subtype != "unknown" or not name.startswith("cut"):
            assert what(seen) == what(whole), (seen.rule, DAMAGE[name](status, body))


BODIES = [
    (rule, example)
    for rule, examples in CATALOGUE.examples().items()
    for example in examples
    if isinstance(example, dict) and example.get("body", "").startswith("{") and not example.get("provider")
]
TOLD_BY_THE_END = {"google.zero_by_absence", "google.zero_quota_value", "google.plan_reason_json", "openai.zero"}
"""Cut, the telling number or reason is gone: nobody could tell."""


@pytest.mark.parametrize("name", sorted(DAMAGE))
def test_damage_is_never_confidently_wrong(name: str) -> None:
    """What is lost on the way makes the answer unknown or less sure, not another one said with certainty."""
    for rule, example in BODIES:
        if rule in TOLD_BY_THE_END and name == "cut":
            continue
        failure = failure_of(example)
        whole = CATALOGUE.classify(failure)
        seen = CATALOGUE.classify(Failure(text=DAMAGE[name](failure.status or 429, failure.body.decode())))
        wrong = seen.subtype not in (whole.subtype, "unknown") and seen.confidence == "sure"
        assert not wrong, (rule, seen.subtype, seen.rule)


FLAGSHIP = (
    "((HTTP/1.1 429 Too Many Requests) insufficient_quota) You exceeded your current quota, please check your plan and "
    "billing details. For more information on this error, read the docs: "
    "https://platform.openai.com/docs/guides/error-codes/api-errors."
)


@pytest.mark.parametrize("front", ["", "ChatGPT error: "])
@pytest.mark.parametrize("middle", ["((HTTP/1.1 429 Too Many Requests) insufficient_quota) ", ""])
def test_out_of_credit_cut_anywhere(front: str, middle: str) -> None:
    """gptel's echo area cuts the sentence at its width: after each word from `quota` on it is still out of credit."""
    words = (front + FLAGSHIP.replace("((HTTP/1.1 429 Too Many Requests) insufficient_quota) ", middle)).split(" ")
    start = next(i for i, word in enumerate(words) if word.startswith("quota"))
    for end in range(start + 1, len(words) + 1):
        finding = CATALOGUE.classify(Failure(text=" ".join(words[:end])))
        assert (finding.subtype, finding.retry) == ("insufficient_quota", "never"), " ".join(words[:end])
