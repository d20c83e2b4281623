"""Regular expressions: compiled when first needed, and asked only where they can match.

Some two hundred patterns look at each failure, and nearly all of them do not match. Whether a text holds one of a few
plain pieces (`credit`, `per min`) is known ten times faster than whether a pattern matches, so each pattern is asked
for the pieces that every match must contain.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

SHORTEST: Final = 3
"""Shorter pieces are in nearly every text. A Chinese character is not, and `/s` is in few."""
MOST: Final = 24
"""With more pieces the pattern itself is as quick."""

_SYMBOL: Final = re.compile(r"\\.|\[\^?(?:\\.|.)(?:\\.|[^\]\\])*\]|[()|]", re.DOTALL)
"""What is told apart in a pattern: an escape, a class, a bracket, a bar."""
_PLAIN: Final = re.compile(r"[^\\\[(.^$?*+{]+(?=[^\\\[(.^$?*+{])")
"""Letters that stand for themselves, but for the last one, which may have a quantifier."""
_INSIDE: Final = re.compile(r"\?(?::|P<\w+>)|(?!\?)")
_QUANTIFIER: Final = re.compile(r"(?:[?*+]|\{[\d,]*\})?\??")
_QUANTIFIERS: Final = frozenset("?*+{")


@lru_cache(maxsize=4096)
def pattern(source: str) -> re.Pattern[str]:
    """Return the compiled form of SOURCE."""
    return re.compile(source)


def search(source: str, text: str) -> re.Match[str] | None:
    """Return the first match of SOURCE in TEXT."""
    needed = pieces(source)
    if needed is not None and not holds_one(needed, text):
        return None
    return pattern(source).search(text)


def holds_one(needed: tuple[str, ...], text: str) -> bool:
    """Return whether TEXT holds one of the NEEDED pieces. Hottest of all: a loop is twice as fast as any()."""
    for piece in needed:  # noqa: SIM110
        if piece in text:
            return True
    return False


@lru_cache(maxsize=4096)
def pieces(source: str) -> tuple[str, ...] | None:
    """Return plain texts of which each match of SOURCE contains at least one; None when that cannot be told."""
    if re.search(r"\(\?[a-zA-Z-]+[:)]", source.replace("(?P<", "(")):
        return None
    found = _either(source)
    return tuple(sorted(found)) if found and len(found) <= MOST else None


def _either(source: str) -> frozenset[str] | None:
    """Return what one of the alternatives of SOURCE must contain; None if some alternative contains nothing sure."""
    out: set[str] = set()
    for alternative in _split(source):
        best = max(_parts(alternative), key=_worth, default=None)
        if best is None:
            return None
        out |= best
    return frozenset(out)


def _worth(part: frozenset[str]) -> tuple[int, int]:
    return min(len(piece) for piece in part), -len(part)


def _split(source: str) -> list[str]:
    """Split SOURCE at its outermost bars."""
    out, begun, depth = [], 0, 0
    for found in _SYMBOL.finditer(source):
        symbol = found[0]
        if symbol == "(":
            depth += 1
        elif symbol == ")":
            depth -= 1
        elif symbol == "|" and depth == 0:
            out.append(source[begun : found.start()])
            begun = found.end()
    return [*out, source[begun:]]


def _parts(alternative: str) -> Iterator[frozenset[str]]:
    """Yield the sets of pieces of which ALTERNATIVE contains one for sure."""
    run, at = "", 0
    while at < len(alternative):
        if plain := _PLAIN.match(alternative, at):
            run, at = run + plain[0], plain.end()
        end, literal, group = _token(alternative, at)
        quantifier = alternative[end : end + 1]
        optional = quantifier in ("?", "*", "{") and quantifier != ""
        if literal and not optional:
            run += literal
        if not literal or optional or quantifier == "+":
            if _rare(run):
                yield frozenset((run,))
            run = ""
        if group is not None and not optional and (inner := _either(group)):
            yield inner
        at = _after_quantifier(alternative, end)
    if _rare(run):
        yield frozenset((run,))


def _rare(run: str) -> bool:
    """Return whether most texts lack RUN."""
    return len(run) >= SHORTEST or not run.isascii() or (len(run) == 2 and not run.isalnum())


def _token(source: str, at: int) -> tuple[int, str, str | None]:
    """Return (end, literal character, inside of a group) of the token at AT."""
    char = source[at]
    if char == "\\":
        return at + 2, "" if source[at + 1].isalnum() else source[at + 1], None
    if char == "[":
        return _after_class(source, at), "", None
    if char == "(":
        end = _closing(source, at)
        inside = _INSIDE.match(source, at + 1)
        return end, "", source[inside.end() : end - 1] if inside else None
    return at + 1, "" if char in ".^$" else char, None


def _after_class(source: str, at: int) -> int:
    found = _SYMBOL.match(source, at)
    return found.end() if found else at + 1


def _closing(source: str, at: int) -> int:
    """Behind the bracket that closes the one at AT."""
    depth = 0
    for found in _SYMBOL.finditer(source, at):
        depth += (found[0] == "(") - (found[0] == ")")
        if depth == 0:
            return found.end()
    return len(source)


def _after_quantifier(source: str, at: int) -> int:
    if source[at : at + 1] not in _QUANTIFIERS:
        return at
    found = _QUANTIFIER.match(source, at)
    return found.end() if found else at
