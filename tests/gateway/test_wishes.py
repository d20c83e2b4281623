"""What may be shared: the configuration, and the call's own word."""

from __future__ import annotations

from typing import Any

import pytest

from daemon.gateway.wishes import ALONE, NO_RULES, NO_WISH, Rules, Wish, sharing_of
from daemon.model import Ask, Origin, Sharing

WHERE = Origin("api.openai.com", "https://api.openai.com", "openai")
EVERYTHING = Rules(coalesce=("*",), cache=True, embeddings=True, completions=True)


def found(rules: Rules = NO_RULES, wish: Wish = NO_WISH, method: str = "POST", **more: Any) -> Sharing | None:
    """What a call of this kind may share."""
    return sharing_of(rules, wish, WHERE, Ask(more.pop("kind", "embeddings"), more.pop("model", "m")), method)


def test_nothing_by_default() -> None:
    """Without a setting and a word there is nothing at all."""
    assert NO_RULES.idle
    assert found() is None
    assert found(EVERYTHING, ALONE) is None


def test_all_of_it() -> None:
    """Embeddings may do everything, chats are never batched, uploads are never kept, lists never shared."""
    assert found(EVERYTHING) == Sharing(True, "on", True)
    assert found(EVERYTHING, kind="chat") == Sharing(True, "on", False)
    assert found(EVERYTHING, kind="audio") == Sharing(True, "off", False)
    assert found(EVERYTHING, kind="models", method="GET") is None
    assert found(EVERYTHING, kind="other") is None
    assert not EVERYTHING.idle


@pytest.mark.parametrize(
    ("wish", "sharing"),
    [
        (Wish(coalesce=True), Sharing(coalesce=True)),
        (Wish(cache="refresh"), Sharing(cache="refresh")),
        (Wish(batch=True), Sharing(batch=True)),
    ],
)
def test_the_call_asks_for_it(wish: Wish, sharing: Sharing) -> None:
    """Each by itself."""
    assert found(wish=wish) == sharing
    assert found(wish=Wish(batch=True), kind="chat") is None


def test_each_kind_has_its_own_switch() -> None:
    """Embeddings and completions."""
    assert found(Rules(embeddings=True), kind="completions") is None
    assert found(Rules(completions=True), kind="completions") == Sharing(batch=True)


@pytest.mark.parametrize(("pattern", "meant"), [("m*", True), ("api.openai.com", True), ("x*", False)])
def test_patterns(pattern: str, meant: bool) -> None:
    """Of a model or of a host."""
    assert found(Rules(coalesce=(pattern,))) == (Sharing(coalesce=True) if meant else None)
    assert found(Rules(coalesce=("gpt*",)), model=None) is None
