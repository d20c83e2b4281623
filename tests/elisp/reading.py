"""Elisp as tests need it: forms as lists, with strings apart from symbols, and the line where each stands."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_TOKEN = re.compile(
    r"""
    (?P<skip> \s+ | ;[^\n]* | \#?['`,]@? )
  | (?P<open> \#?[(\[] )
  | (?P<close> [)\]] )
  | " (?P<text> (?: \\. | [^"\\] )* ) "
  | (?P<char> \?\\?. (?: (?<=\\.) [\w-]* )? )
  | (?P<symbol> (?: \\. | [^\s()\[\]"';`,] )+ )
    """,
    re.VERBOSE | re.DOTALL,
)
_ESCAPES = {"n": "\n", "t": "\t", "\n": "", " ": ""}


@dataclass(frozen=True)
class Text:
    """A string, as Emacs reads it."""

    value: str
    line: int


Form = str | Text | list["Form"]


def forms(source: str) -> list[Form]:
    """The forms of SOURCE. Quotes are passed over: a quoted list is a list. Raises ValueError for what is not elisp."""
    stack: list[list[Form]] = [[]]
    place, line = 0, 1
    while place < len(source):
        token = _TOKEN.match(source, place)
        if token is None:
            raise ValueError(f"line {line}: {source[place : place + 30]!r}")
        if token["open"]:
            stack.append([])
        elif token["close"]:
            done = stack.pop()
            stack[-1].append(done)
        elif token["text"] is not None:
            stack[-1].append(Text(_unescaped(token["text"]), line))
        elif not token["skip"]:
            stack[-1].append(token[0])
        line += token[0].count("\n")
        place = token.end()
    if len(stack) != 1:
        raise ValueError("a parenthesis is missing")
    return stack[0]


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", lambda found: _ESCAPES.get(found[1], found[1]), text, flags=re.DOTALL)


def head(form: Form) -> str:
    """The symbol with which a list begins, else nothing."""
    return form[0] if isinstance(form, list) and form and isinstance(form[0], str) else ""


def lists(tree: list[Form]) -> Iterator[list[Form]]:
    """All lists of TREE, the outer before the inner."""
    for form in tree:
        if isinstance(form, list):
            yield form
            yield from lists(form)
