"""Columns of a terminal, and where lines break."""

from __future__ import annotations

import pytest

from daemon.columns import folded, width, wrapped


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


def test_a_sentence_on_a_terminal() -> None:
    """It breaks between words and keeps its indent; a command in it stays whole, even if it is wider than the terminal;
    in a pipe, and where it fits, nothing changes."""
    text = "  one two (`daemon stop --socket /a/b`), three  four five six seven eight nine ten"
    assert folded(text, None) == folded(text, 200) == [text]
    assert folded(text, 40, " ") == [
        "  one two (`daemon stop --socket /a/b`),", "   three  four five six seven eight nine", "   ten",
    ]  # fmt: skip
    command = f"`daemon stop --socket /{'x' * 50}`"
    assert folded(f"see {command} then", 40) == ["see", command, "then"]
