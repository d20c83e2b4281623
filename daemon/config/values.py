"""Single values of the configuration: durations, sizes, numbers, words. Each reader takes a Node and raises Wrong."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final, TypeVar

from daemon.config.nodes import Node, Wrong

T = TypeVar("T")
Reader = Callable[[Node], T]

_PART: Final = re.compile(r"(\d{1,12}(?:\.\d{1,6})?)\s*(ms|s|m|h|d)")
_UNIT_S: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_SIZE: Final = re.compile(r"(\d{1,15}(?:\.\d{1,6})?)\s*(B|kB|KB|MB|GB|KiB|MiB|GiB)")
_BYTES: Final = {
    "B": 1, "kB": 1000, "KB": 1000, "MB": 1000**2, "GB": 1000**3, "KiB": 1024, "MiB": 1024**2, "GiB": 1024**3,
}  # fmt: skip
_NUMBER: Final = re.compile(r"[+-]?\d[\d_]{0,20}(\.\d{1,9})?")
_BOOLEANS: Final = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
MAX_DURATION_S: Final = 10 * 366 * 86400.0


def nearest(word: str, known: Iterable[str]) -> str:
    """`Did you mean X? `, or nothing when no known word is near."""
    close = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"Did you mean {close[0]!r}? " if close else ""


def scalar(node: Node) -> str:
    """Any single value as its text."""
    if node.kind != "scalar":
        raise Wrong(node.line, f"one value is wanted here, not {node.sort}")
    if node.is_null:
        raise Wrong(node.line, "there is no value. Give one, or delete the line to have the default")
    return node.text


def text(node: Node) -> str:
    """A text without control characters."""
    value = scalar(node)
    if not value.isprintable():
        raise Wrong(node.line, "there are control characters in this value. Write plain text")
    return value


def choice(*words: str) -> Reader[str]:
    """One of WORDS."""

    def read(node: Node) -> str:
        value = scalar(node)
        if value not in words:
            raise Wrong(node.line, f"{value!r} is none of {', '.join(words)}. {nearest(value, words)}".rstrip())
        return value

    return read


def boolean(node: Node) -> bool:
    """true or false."""
    value = _BOOLEANS.get(scalar(node).lower())
    if value is None or node.quoted:
        raise Wrong(node.line, f"{node.sort} is not a yes or no. Write true or false")
    return value


def duration(node: Node) -> float:
    """`6s`, `10m`, `1.5h`, `500ms`, `1h30m` in seconds; zero is allowed."""
    value = scalar(node).strip()
    parts = _PART.findall(value)
    if not parts or "".join(f"{n}{unit}" for n, unit in parts) != re.sub(r"\s", "", value):
        hint = f"Write {value}s for seconds, or" if _NUMBER.fullmatch(value) else "Write"
        raise Wrong(node.line, f"{value!r} is not a duration. {hint} for example 500ms, 6s, 10m, 1.5h or 30d")
    total = sum(float(number) * _UNIT_S[unit] for number, unit in parts)
    if total > MAX_DURATION_S:
        raise Wrong(node.line, f"{value!r} is longer than ten years. Take a smaller one")
    return total


def positive_duration(node: Node) -> float:
    """A duration above zero."""
    value = duration(node)
    if value <= 0:
        raise Wrong(node.line, f"{node.text!r} is no time at all. Take a longer one, for example 1s")
    return value


def size(node: Node) -> int:
    """`64MiB`, `500kB`, `1.5GB` in bytes."""
    value = scalar(node).strip()
    match = _SIZE.fullmatch(value)
    if match is None:
        hint = f"Write {value}B for bytes, or" if _NUMBER.fullmatch(value) else "Write"
        raise Wrong(node.line, f"{value!r} is not a size. {hint} for example 500kB, 64MiB or 1GiB")
    total = float(match[1]) * _BYTES[match[2]]
    if not 1 <= total <= 2**50:
        raise Wrong(node.line, f"{value!r} is not between 1 byte and 1 PiB")
    return int(total)


def number(least: float, most: float, *, above: bool = False) -> Reader[float]:
    """A number within [LEAST, MOST]; ABOVE: LEAST itself is not allowed."""

    def read(node: Node) -> float:
        value = scalar(node).strip()
        if not _NUMBER.fullmatch(value) or node.quoted:
            raise Wrong(node.line, f"{value!r} is not a plain number. Write for example 60, 0.5 or 40_000")
        result = float(value.replace("_", ""))
        if not least <= result <= most or (above and result == least):
            raise Wrong(node.line, f"{value} is not {'above' if above else 'at least'} {least:g} and at most {most:g}")
        return result

    return read


def whole(least: int, most: int) -> Reader[int]:
    """A whole number within [LEAST, MOST]."""
    read_number = number(least, most)

    def read(node: Node) -> int:
        value = read_number(node)
        if value != int(value):
            raise Wrong(node.line, f"{node.text} is not a whole number")
        return int(value)

    return read


def path(node: Node) -> Path:
    """An absolute path; `~` is the home directory."""
    value = text(node)
    try:
        result = Path(value).expanduser()
    except RuntimeError:
        result = Path(value)
    if not result.is_absolute():
        raise Wrong(node.line, f"the path {value!r} is not absolute. Begin it with / or ~")
    return result


def unless(word: str, read: Reader[T]) -> Reader[T | None]:
    """None for WORD, else what READ makes of it."""

    def read_or_none(node: Node) -> T | None:
        return None if node.kind == "scalar" and node.text == word else read(node)

    return read_or_none


def environment_variable(node: Node) -> str:
    """The name of an environment variable. A key in its place is the likeliest mistake."""
    value = text(node)
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,99}", value):
        raise Wrong(
            node.line,
            "this is not the name of an environment variable. Give the name, for example OPENAI_API_KEY, "
            "never the key itself",
        )
    return value


def patterns(node: Node) -> tuple[str, ...]:
    """One shell pattern, or a list of them."""
    nodes = node.items if node.kind == "list" else [node]
    if not nodes:
        raise Wrong(node.line, 'the list is empty. Name at least one model, for example "gpt-4o*"')
    return tuple(text(item) for item in nodes)
