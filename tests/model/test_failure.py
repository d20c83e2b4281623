"""What an answer says."""

from __future__ import annotations

import dataclasses
import json

import pytest

from daemon.model import Action, Explanation, Failure, Finding


def explanation() -> Explanation:
    """One with everything in it."""
    finding = Finding(
        subtype="requests", family="rate", retry="wait", confidence="sure", provider="openai", status=429,
        dimension="requests", window="minute", limit=60.0, used=60.0, requested=1.0, retry_after_s=2.0, reset_at=9.0,
        model="m", plan="free", rule="openai.requests", evidence=("status 429",), original="Too fast.",
    )  # fmt: skip
    return Explanation(
        finding=finding, language="en", line="Too fast.", reason="Rate limit", title="Too many requests", what="What.",
        why="Why.", now="Now.", actions=(Action("Wait."), Action("Look.", "https://h/limits")), not_this="Not credit.",
        evidence="status 429",
    )  # fmt: skip


@pytest.mark.parametrize(("family", "is_rate"), [("rate", True), ("quota", False), ("unknown", False)])
def test_is_rate(family: str, is_rate: bool) -> None:
    """Only the family `rate` clears with the provider's window."""
    assert Finding(family=family).is_rate is is_rate


def test_an_explanation_as_json_and_back() -> None:
    """Everything that clients get survives the journal; the evidence stays as words."""
    told = explanation()
    kept = json.loads(json.dumps(told.as_json()))
    again = Explanation.from_json(kept)
    assert again.as_json() == told.as_json()
    assert dataclasses.replace(again, finding=told.finding) == told


def test_every_fact_of_a_finding_is_told() -> None:
    """A new field cannot be forgotten: each is in the JSON or is the list of evidence, which is told in words."""
    told = explanation().as_json()
    assert {field.name for field in dataclasses.fields(Finding)} - {"evidence"} <= set(told)
    assert {field.name for field in dataclasses.fields(Explanation)} - {"finding"} <= set(told)


def test_an_explanation_from_little() -> None:
    """An older journal may lack fields."""
    bare = Explanation.from_json({"line": "x", "actions": None, "more": 1})
    assert (bare.line, bare.finding, bare.actions) == ("x", Finding(), ())


def test_a_failure_is_nothing_by_itself() -> None:
    """All of it is optional."""
    assert Failure() == Failure(status=None, headers=(), body=b"", sent=False)
