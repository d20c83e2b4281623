"""What was seen, in words."""

from __future__ import annotations

import pytest

from daemon.explain.catalogue import DATA
from daemon.explain.evidence import shown
from daemon.explain.rules import read_yaml
from daemon.model import MARKS, mark

VALUES = {
    "status": {"value": 429}, "header": {"name": "retry-after", "value": "20"}, "words": {"value": "per min"},
    "compared": {"left": "used", "sign": ">=", "right": "limit"}, "field": {"name": "code", "value": "rate_limit: x"},
    "waited": {"setting": "queue.max_wait"}, "same": {"call": "c1"}, "together": {"call": "c1"},
    "with_key": {"key": "my work"}, "tried": {"place": "api.deepseek.com x", "why": "overloaded"},
    "no_key": {"variable": "DEEPSEEK_API_KEY", "place": "api.deepseek.com x"},
    "cannot": {"place": "api.deepseek.com x"},
}  # fmt: skip
"""What each kind is written with."""
WRITTEN = {seen: mark(seen, **VALUES.get(seen, {})) for seen in MARKS}


@pytest.mark.parametrize("language", ["en", "ko", "zh"])
@pytest.mark.parametrize("seen", MARKS)
def test_each_mark_is_told_in_each_language(seen: str, language: str) -> None:
    """What we have written ourselves is not left in English; what it quotes is."""
    form = read_yaml(DATA / "words" / f"{language}.yaml")["seen"][seen]
    assert shown(WRITTEN[seen], {seen: form}) == form.format(**VALUES.get(seen, {}))
    assert language == "en" or form != MARKS[seen]


def test_what_is_no_mark_of_ours_is_left_as_it_is() -> None:
    """A newer daemon may have kept it."""
    assert shown("seen by a friend", read_yaml(DATA / "words" / "ko.yaml")["seen"]) == "seen by a friend"
