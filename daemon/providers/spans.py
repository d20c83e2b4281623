"""Where the values of a JSON text stand, so that pieces of it can be handed on byte for byte.

A number that is read and written again may look different. Long arrays of numbers are skipped by searching for their
end, which costs a thousandth of parsing them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Final, NamedTuple

_SPACE: Final = re.compile(r"[ \t\r\n]*")
_DECODER: Final = json.JSONDecoder()


class Span(NamedTuple):
    """From START up to END, which is not part of it."""

    start: int
    end: int

    def of(self, text: str) -> str:
        """What stands there."""
        return text[self.start : self.end]


def members(text: str, start: int = 0) -> dict[str, Span]:
    """The values of the object that begins at START, by name. Raises ValueError for anything else."""
    found: dict[str, Span] = {}
    at = _after(text, start, "{")
    while text[at : at + 1] != "}":
        name, at = _DECODER.raw_decode(text, at)
        if not isinstance(name, str):
            raise ValueError(f"a name is wanted before {at}")
        at = _after(text, at, ":")
        end = skipped(text, at)
        found[name] = Span(at, end)
        at = _next(text, end, "}")
    return found


def elements(text: str, start: int) -> Iterator[Span]:
    """The elements of the array that begins at START. Raises ValueError for anything else."""
    at = _after(text, start, "[")
    while text[at : at + 1] != "]":
        end = skipped(text, at)
        yield Span(at, end)
        at = _next(text, end, "]")


def skipped(text: str, at: int) -> int:
    """The end of the value that begins at AT. Raises ValueError when there is none."""
    if text[at : at + 1] == "[":
        end = text.find("]", at)
        if end > 0 and all(text.find(mark, at + 1, end) < 0 for mark in '["{'):
            return end + 1
    if text[at : at + 1] == '"':
        end = text.find('"', at + 1)
        if end > 0 and text.find("\\", at + 1, end) < 0:
            return end + 1
    return _DECODER.raw_decode(text, at)[1]


def _space(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at


def _after(text: str, at: int, mark: str) -> int:
    """The place behind MARK, which must be the next thing that stands at AT."""
    at = _space(text, at)
    if text[at : at + 1] != mark:
        raise ValueError(f"{mark} is wanted at {at}")
    return _space(text, at + 1)


def _next(text: str, at: int, close: str) -> int:
    """The place of the next member, or of CLOSE."""
    at = _space(text, at)
    return at if text[at : at + 1] == close else _after(text, at, ",")
