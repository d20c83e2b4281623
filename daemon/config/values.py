"""Single values of the configuration: durations, sizes, numbers, words. Each reader takes a Node and raises Wrong."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

from daemon import slips
from daemon.config.nodes import Node, Wrong, each
from daemon.phrases import languages, phrase

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
    """`Did you mean X?` after a space, or nothing when no known word is near."""
    close = slips.nearest(word, known, like=0.6)
    return phrase("config.near", word=close) if close else ""


def items(node: Node, name: str, example: str) -> list[Node]:
    """The entries of the list NAME, each such as EXAMPLE; none for null."""
    if node.is_null:
        return []
    if node.kind != "list":
        raise Wrong(node.line, phrase("config.list", name=name, example=example))
    return list(node.items)


def entries(
    node: Node,
    known: Mapping[str, Reader[Any]],
    example: str,
    *,
    needed: Iterable[str] = (),
    group: str = "config.entry",
    word: str = "config.word",
) -> dict[str, Any]:
    """The values of a group such as EXAMPLE that has no other words than KNOWN, and all that are NEEDED.

    GROUP and WORD name what is said of something else, and of another word.
    """
    if node.kind != "mapping":
        raise Wrong(node.line, phrase(group, example=example, sort=node.sort))
    found = dict(each(partial(entry, node, key, known, word) for key in node.entries))
    for key in needed:
        if key not in node.entries:
            raise Wrong(node.line, phrase("config.needed", word=key, example=example))
    return found


def entry(node: Node, key: str, known: Mapping[str, Reader[Any]], word: str) -> tuple[str, Any]:
    """The entry KEY of a group with its value. WORD names what is said of one that is not KNOWN."""
    if key not in known:
        near, words = nearest(key, known), ", ".join(known)
        raise Wrong(node.key_lines[key], phrase(word, word=key, near=near, known=words))
    return each([lambda: (key, known[key](node.entries[key]))], key)[0]


def scalar(node: Node) -> str:
    """Any single value as its text."""
    if node.kind != "scalar":
        raise Wrong(node.line, phrase("config.one_value", sort=node.sort))
    if node.is_null:
        raise Wrong(node.line, phrase("config.no_value"))
    return node.text


def text(node: Node) -> str:
    """A text without control characters."""
    value = scalar(node)
    if not value.isprintable():
        raise Wrong(node.line, phrase("config.control"))
    return value


def choice(*words: str) -> Reader[str]:
    """One of WORDS."""

    def read(node: Node) -> str:
        value = scalar(node)
        if value not in words:
            near = nearest(value, words)
            raise Wrong(node.line, phrase("config.none_of", value=value, known=", ".join(words), near=near))
        return value

    return read


def language(node: Node) -> str:
    """`auto`, or a language that there are words for."""
    return choice("auto", *sorted(languages()))(node)


def boolean(node: Node) -> bool:
    """true or false."""
    value = _BOOLEANS.get(scalar(node).lower())
    if value is None or node.quoted:
        raise Wrong(node.line, phrase("config.yes_no", sort=node.sort))
    return value


def duration(node: Node) -> float:
    """`6s`, `10m`, `1.5h`, `500ms`, `1h30m` in seconds; zero is allowed."""
    value = scalar(node).strip()
    parts = _PART.findall(value)
    if not parts or "".join(f"{n}{unit}" for n, unit in parts) != re.sub(r"\s", "", value):
        bare = _NUMBER.fullmatch(value)
        raise Wrong(node.line, phrase("config.bare_duration" if bare else "config.duration", value=value))
    total = sum(float(number) * _UNIT_S[unit] for number, unit in parts)
    if total > MAX_DURATION_S:
        raise Wrong(node.line, phrase("config.ten_years", value=value))
    return total


def positive_duration(node: Node) -> float:
    """A duration above zero."""
    value = duration(node)
    if value <= 0:
        raise Wrong(node.line, phrase("config.no_time", value=node.text))
    return value


def size(node: Node) -> int:
    """`64MiB`, `500kB`, `1.5GB` in bytes."""
    value = scalar(node).strip()
    match = _SIZE.fullmatch(value)
    if match is None:
        bare = _NUMBER.fullmatch(value)
        raise Wrong(node.line, phrase("config.bare_size" if bare else "config.size", value=value))
    total = float(match[1]) * _BYTES[match[2]]
    if not 1 <= total <= 2**50:
        raise Wrong(node.line, phrase("config.odd_size", value=value))
    return int(total)


def number(least: float, most: float, *, above: bool = False) -> Reader[float]:
    """A number within [LEAST, MOST]; ABOVE: LEAST itself is not allowed."""

    def read(node: Node) -> float:
        value = scalar(node).strip()
        if not _NUMBER.fullmatch(value) or node.quoted:
            raise Wrong(node.line, phrase("config.number", value=value, example=_number_like(value, most)))
        result = float(value.replace("_", ""))
        if not least <= result <= most or (above and result == least):
            name = "config.above" if above else "config.at_least"
            raise Wrong(node.line, phrase(name, value=value, least=least, most=most))
        return result

    return read


def _number_like(value: str, most: float) -> str:
    """A number as VALUE should have been written: `0.8` for `80%` of what is a part of one."""
    percent = re.fullmatch(r"(\d{1,3}(?:\.\d{1,3})?)\s*%", value)
    if most > 1:
        return "60, 40_000" if most >= 40_000 else "60" if most >= 60 else f"{most // 2:g}"
    return f"{float(percent[1]) / 100:g}" if percent and 0 < float(percent[1]) <= 100 else "0.8"


def whole(least: int, most: int) -> Reader[int]:
    """A whole number within [LEAST, MOST]."""
    read_number = number(least, most)

    def read(node: Node) -> int:
        value = read_number(node)
        if value != int(value):
            raise Wrong(node.line, phrase("config.whole", value=node.text))
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
        raise Wrong(node.line, phrase("config.absolute", path=value))
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
        raise Wrong(node.line, phrase("config.variable"))
    return value


def which(node: Node) -> tuple[str, ...]:
    """true for all, false for none, or shell patterns of those that are meant."""
    if node.kind == "scalar" and not node.quoted and node.text.lower() in _BOOLEANS:
        return ("*",) if _BOOLEANS[node.text.lower()] else ()
    return patterns(node)


def patterns(node: Node) -> tuple[str, ...]:
    """One shell pattern, or a list of them."""
    nodes = node.items if node.kind == "list" else [node]
    if not nodes:
        raise Wrong(node.line, phrase("config.no_models"))
    return tuple(text(item) for item in nodes)
