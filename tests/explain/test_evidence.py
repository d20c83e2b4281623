"""What was seen, in words."""

from __future__ import annotations

import pytest

from daemon.explain.catalogue import DATA
from daemon.explain.evidence import UNSENT, shown
from daemon.explain.rules import read_yaml
from daemon.gateway import batches, course, outcome, shared
from daemon.gateway.inspect import COUNTED

WRITTEN = [
    "status 429", "header retry-after: 20", 'the words "per min"', "used >= limit", 'field code "rate_limit_exceeded"',
    COUNTED, outcome.NOT_SENT, outcome.WAITED.format(setting="queue.max_wait"), outcome.NOT_AGAIN,
    shared.SAME.format(call="c1"), batches.TOGETHER.format(call="c1"), course.WITH_KEY.format(name="work"),
    course.TRIED.format(place="api.deepseek.com x", why="overloaded"),
    course.NO_KEY.format(variable="DEEPSEEK_API_KEY", place="api.deepseek.com x"),
    course.CANNOT.format(place="api.deepseek.com x"),
]  # fmt: skip
"""Each kind, as rules and gateway write it."""


@pytest.mark.parametrize("language", ["ko", "zh"])
@pytest.mark.parametrize("evidence", WRITTEN)
def test_each_mark_is_told_in_each_language(evidence: str, language: str) -> None:
    """What we have written ourselves is not left in English; what it quotes is."""
    said = shown(evidence, read_yaml(DATA / "words" / f"{language}.yaml")["seen"])
    assert said
    assert "{value}" not in said
    assert said != evidence or evidence.startswith(("field", "used")), said


def test_what_is_no_mark_of_ours_is_left_as_it_is() -> None:
    """A newer daemon may have kept it."""
    assert shown("seen by a friend", read_yaml(DATA / "words" / "ko.yaml")["seen"]) == "seen by a friend"
    assert UNSENT.fullmatch(outcome.NOT_SENT)
