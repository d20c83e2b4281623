"""Several small calls as one, and its answer taken apart again: embeddings and completions in OpenAI's shape.

Both take an array where one text would stand, and number what they answer by `index`:
https://platform.openai.com/docs/api-reference/embeddings/create and .../completions/create
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from daemon.model import Usage
from daemon.providers.dialect import count
from daemon.providers.routes import route
from daemon.providers.spans import Span, elements, members
from daemon.providers.usage import usage_of

_FIELD: Final = {"embeddings": "input", "completions": "prompt"}
_ROWS: Final = {"embeddings": "data", "completions": "choices"}
_FIGURE: Final = re.compile(r'"([a-z_]+)"(\s*:\s*)(\d+)(?![\d.eE])')
_OUTPUT: Final = re.compile("completion|output|reasoning|prediction|audio")


@dataclass(frozen=True, slots=True)
class BatchLimits:
    """What fits into one request."""

    items: int
    """Inputs or prompts."""
    item_tokens: int
    """Tokens of each."""
    tokens: int
    """Tokens of all."""


UNSTATED: Final = {
    "embeddings": BatchLimits(64, 8_192, 100_000),
    "completions": BatchLimits(16, 100_000, 100_000),
}
"""For providers of which nothing is stated. One that takes fewer refuses, and the request is sent again in halves."""


class NotApart(Exception):
    """The answer is not one that could be taken apart."""


@dataclass(frozen=True, slots=True)
class Part:
    """What one call asks for, read from its body."""

    kind: str
    form: str
    """`text`, or `tokens` for lists of token numbers: one array holds only one sort."""
    fields: Mapping[str, Any]
    """All other fields of the body."""
    items: tuple[Any, ...]

    @property
    def others(self) -> str:
        """The other fields as a text that is equal for calls that can go together."""
        return json.dumps([self.kind, self.form, self.fields], sort_keys=True)


@dataclass(frozen=True, slots=True)
class Answer:
    """One call's answer, as if it had been alone."""

    body: bytes
    usage: Usage | None


def read_part(method: str, target: str, body: bytes) -> Part | None:
    """What the call asks for, if it can go with others; else None."""
    found = route(method, target)
    name = _FIELD.get(found.kind)
    if name is None or found.dialect != "openai":
        return None
    try:
        document = json.loads(body)
        given = document.pop(name)
    except (ValueError, RecursionError, AttributeError, KeyError, TypeError):
        return None
    if not isinstance(document, dict) or document.get("stream") or any(_many(document, n) for n in ("n", "best_of")):
        return None
    form, items = _items(given)
    return Part(found.kind, form, document, items) if items else None


def _many(document: Mapping[str, Any], name: str) -> bool:
    """True if several answers to one prompt are asked for: their numbers would not tell whose they are."""
    return document.get(name) is not None and count(document[name]) != 1


def _items(given: object) -> tuple[str, tuple[Any, ...]]:
    """(form, items) of an input; no items when it is nothing that can be put beside others."""
    if isinstance(given, str):
        return "text", (given,)
    if not isinstance(given, list) or not given:
        return "", ()
    if all(isinstance(one, str) for one in given):
        return "text", tuple(given)
    if _is_tokens(given):
        return "tokens", (given,)
    return ("tokens", tuple(given)) if all(_is_tokens(one) for one in given) else ("", ())


def _is_tokens(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(type(one) is int for one in value)


def merged(parts: Sequence[Part]) -> bytes:
    """The body of one call that asks for all PARTS."""
    first = parts[0]
    body = {**first.fields, _FIELD[first.kind]: [item for part in parts for item in part.items]}
    return json.dumps(body, separators=(",", ":")).encode()


def apart(body: bytes, parts: Sequence[Part], sizes: Sequence[float]) -> list[Answer]:
    """Each part's own answer: its rows, numbered from 0, byte for byte, and its share of the usage by SIZES.

    Raises NotApart when rows are missing, or it is no such answer.
    """
    try:
        whole = _Whole.read(body.decode("utf-8"), _ROWS[parts[0].kind])
        rows = whole.in_order(sum(len(part.items) for part in parts))
    except (ValueError, KeyError, TypeError, RecursionError, IndexError) as error:
        raise NotApart(str(error)) from error
    groups, first = [], 0
    for part in parts:
        groups.append(rows[first : first + len(part.items)])
        first += len(part.items)
    outputs = [float(sum(row.place.end - row.place.start for row in group)) for group in groups]
    usages = _usages(whole.usage.of(whole.text) if whole.usage else "", outputs, sizes)
    return [whole.of(*both) for both in zip(groups, usages, strict=True)]


@dataclass(frozen=True, slots=True)
class _Row:
    """One element of the answer's array."""

    place: Span
    number: Span
    """Where its `index` stands."""


@dataclass(frozen=True, slots=True)
class _Whole:
    """The answer to all, and where what belongs to one of them stands in it."""

    text: str
    rows: list[_Row]
    between: str
    """What stands between two rows."""
    usage: Span | None

    @classmethod
    def read(cls, text: str, name: str) -> _Whole:
        """Find the places. Raises ValueError, KeyError."""
        top = members(text)
        rows = [_Row(row, members(text, row.start)["index"]) for row in elements(text, top[name].start)]
        between = text[rows[0].place.end : rows[1].place.start] if len(rows) > 1 else ","
        return cls(text, rows, between, top.get("usage"))

    def in_order(self, expected: int) -> list[_Row]:
        """The rows by their numbers. Raises ValueError when there are not so many."""
        found = {int(row.number.of(self.text)): row for row in self.rows}
        if sorted(found) != list(range(expected)) or len(self.rows) != expected:
            raise ValueError(f"{len(self.rows)} rows for {expected} inputs")
        return [found[i] for i in range(expected)]

    def of(self, group: Sequence[_Row], usage: str | None) -> Answer:
        """The whole text with the rows of GROUP alone, and with this USAGE."""
        text = self.text
        rows = self.between.join(
            f"{text[row.place.start : row.number.start]}{i}{text[row.number.end : row.place.end]}"
            for i, row in enumerate(group)
        )
        changes = [(Span(self.rows[0].place.start, self.rows[-1].place.end), rows)]
        if self.usage is not None and usage is not None:
            changes.append((self.usage, usage))
        out, at = [], 0
        for span, new in sorted(changes):
            out += [text[at : span.start], new]
            at = span.end
        counted = usage_of({"usage": json.loads(usage)}) if usage is not None else None
        return Answer("".join([*out, text[at:]]).encode(), counted)


def _usages(whole: str, outputs: Sequence[float], inputs: Sequence[float]) -> list[str | None]:
    """Each part's share of the usage WHOLE, as JSON; the shares of each figure add up to the figure."""
    if whole[:1] != "{":
        return [None] * len(inputs)
    figures = [(found[1], int(found[3])) for found in _FIGURE.finditer(whole)]
    shares = [shared(figure, outputs if _OUTPUT.search(name) else inputs) for name, figure in figures]
    names = [name for name, _ in figures]
    if "total_tokens" in names:
        tops = [names.index(name) for name in ("prompt_tokens", "completion_tokens") if name in names]
        total = names.index("total_tokens")
        if figures[total][1] == sum(figures[i][1] for i in tops):
            shares[total] = [sum(shares[i][n] for i in tops) for n in range(len(inputs))]
    return [_refilled(whole, [share[n] for share in shares]) for n in range(len(inputs))]


def _refilled(whole: str, figures: Sequence[int]) -> str:
    """The usage's text with other figures in it."""
    new = iter(figures)
    return _FIGURE.sub(lambda found: f'"{found[1]}"{found[2]}{next(new)}', whole)


def shared(amount: int, sizes: Sequence[float]) -> list[int]:
    """AMOUNT in whole parts, in proportion to SIZES; the largest remainders are rounded up."""
    total = sum(sizes)
    exact = [amount * size / total if total > 0 else amount / len(sizes) for size in sizes]
    parts = [int(value) for value in exact]
    order = sorted(range(len(sizes)), key=lambda i: (parts[i] - exact[i], i))
    for i in order[: amount - sum(parts)]:
        parts[i] += 1
    return parts
