"""Slips of the pen."""

from __future__ import annotations

from daemon.slips import nearest


def test_the_word_that_was_meant() -> None:
    """The nearest one, and none where none is near enough."""
    assert nearest("opanai", ["groq", "openai", "azure"]) == "openai"
    assert nearest("opanai", ["groq", "openai"], like=0.9) is None
    assert nearest("opanai", []) is None
