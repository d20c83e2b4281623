"""Columns of a terminal, and where lines break."""

from __future__ import annotations

import pytest

from daemon.columns import width, wrapped


def test_wide_letters_take_two_columns() -> None:
    """Korean and Chinese letters take two columns, combining marks none."""
    assert [width(text) for text in ("abc", "모델", "e\u0301", "模型a", "（")] == [3, 4, 1, 5, 2]


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("one two three", ["- one two", "  three"]),
        ("每分钟词元太多了。", ["- 每分钟词", "  元太多", "  了。"]),
        ("a-word-that-is-too-long x", ["- a-word-that-is-too-long", "  x"]),
        ("", []),
    ],
)
def test_wrapping(text: str, lines: list[str]) -> None:
    """Words stay whole, closing marks stay with their character, an empty text is no line."""
    assert wrapped(text, 10, "- ", "  ") == lines
