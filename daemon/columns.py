"""Text in the columns of a terminal: how wide it is, and where a line may break."""

from __future__ import annotations

import os
import re

from daemon import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Final, TextIO

_WIDE: Final = r"\u2e80-\ua4fd\uf900-\ufaff\ufe30-\ufe4f\uff00-\uff60"
_CLOSING: Final = r"\u3001\u3002\u300d\u300f\u3011\uff01\uff09\uff0c\uff1a\uff1b\uff1f"
_UNIT: Final = rf"\s+|[{_WIDE}][{_CLOSING}]*|[^\s{_WIDE}]+[{_CLOSING}]*"
"""What stays on one line: a word, or a Chinese character with the marks that close it. Korean breaks between words."""

_HELD: Final = "\ue000"
"""Stands for a blank at which no line may break; no text of ours has it."""
LEAST: Final = 40
"""Columns of a terminal for which lines are broken; a narrower one breaks them once more."""


def of_terminal(stream: TextIO) -> int | None:
    """How wide the terminal is to which STREAM goes; None for a file or a pipe."""
    try:
        return os.get_terminal_size(stream.fileno()).columns or None
    except (OSError, ValueError):
        return None


def width(text: str) -> int:
    """The columns that TEXT takes: Korean and Chinese letters take two, combining marks none."""
    if text.isascii():
        return len(text)
    import unicodedata  # here, since most tables are ASCII

    return sum((not unicodedata.combining(c)) + (unicodedata.east_asian_width(c) in "WF") for c in text)


def wrapped(text: str, most: int, first: str = "", later: str = "") -> list[str]:
    """TEXT in lines of at most MOST columns, indented by FIRST and LATER; a longer word is not broken."""
    lines, line, indent = [], "", first
    for unit in _units(text):
        if line.strip() and width(indent + line + unit.rstrip()) > most:
            lines.append(indent + line.rstrip())
            line, indent = "", later
        line += unit if line or unit.strip() else ""
    return [*lines, indent + line.rstrip()] if line.strip() else lines


def folded(text: str, most: int | None, later: str = "") -> list[str]:
    """TEXT in the lines that it takes on a terminal of MOST columns, the later ones indented by LATER more than it is;
    as it is where MOST is None, a file or a pipe. What stands between backticks is to be pasted, and stays whole; and
    so does a gap of more than one blank."""
    if most is None or width(text) <= most:
        return [text]
    indent = text[: len(text) - len(text.lstrip(" "))]
    held = re.sub("`[^`]*`|  +", lambda found: found[0].replace(" ", _HELD), text[len(indent) :])
    return [line.replace(_HELD, " ") for line in wrapped(held, max(most, LEAST), indent, indent + later)]


def _units(text: str) -> Iterator[str]:
    for found in re.finditer(_UNIT, text):
        yield " " if found[0].isspace() else found[0]
