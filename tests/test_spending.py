"""The nouns of what calls cost."""

from __future__ import annotations

from daemon.spending import Spent


def test_tokens() -> None:
    """Those of the provider's cache are part of the input, and not counted twice."""
    assert Spent("2026-11-28", "h", "k", "m", "c", input=10, output=5, cached_input=4).tokens == 15
