"""What Sluice itself says to people. The words are data (`data/words/phrases/LANGUAGE.yaml`), a sentence an entry.

A Phrase is the English sentence, so that logs and programs can take it for a text; whoever shows it to a person tells
it in that person's language. Its values may be phrases too: a duration, the name of a limit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final, TypeVar

import yaml

FOLDER: Final = Path(__file__).resolve().parent / "data" / "words" / "phrases"
_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

Value = str | int | float
T = TypeVar("T")


class Phrase(str):
    """A sentence in English that can be told in other languages."""

    __slots__ = ("name", "values")
    name: str
    values: Mapping[str, Value]

    def __new__(cls, name: str, values: Mapping[str, Value]) -> Phrase:
        """Fill the English sentence NAME. Raises KeyError for one that does not exist, or lacks a value."""
        made = super().__new__(cls, texts("en")[name].format(**values))
        made.name, made.values = name, values
        return made

    def __reduce__(self) -> tuple[Any, ...]:
        """How it is copied: a text alone would lose its values."""
        return Phrase, (self.name, self.values)

    def told(self, language: str) -> str:
        """The sentence in LANGUAGE; in English when that has no words."""
        values = {name: told(value, language) for name, value in self.values.items()}
        return texts(short(language))[self.name].format(**values)


def phrase(name: str, /, **values: Value) -> Phrase:
    """The sentence NAME (`section.key` in the files) with its VALUES."""
    return Phrase(name, values)


def teller(language: str) -> Callable[..., str]:
    """Return `tell(name, **values)`, which says a sentence in LANGUAGE at once: for what is only printed."""

    def tell(name: str, /, **values: Value) -> str:
        return phrase(name, **values).told(language)

    return tell


def told(value: T, language: str) -> T:
    """VALUE with each phrase in it told in LANGUAGE; all else is as it was."""
    if isinstance(value, Phrase):
        return value.told(language)  # type: ignore[return-value]  # a phrase is a text, and so is what it says
    if isinstance(value, dict):
        return {name: told(one, language) for name, one in value.items()}  # type: ignore[return-value]
    return [told(one, language) for one in value] if isinstance(value, list) else value  # type: ignore[return-value]


def short(language: str) -> str:
    """`ko` for `ko_KR.UTF-8`; `en` for a language without words."""
    code = language.replace("-", "_").split("_")[0].lower()
    return code if code in languages() else "en"


@cache
def languages() -> frozenset[str]:
    """The languages that there are words for."""
    return frozenset(path.stem for path in FOLDER.glob("*.yaml"))


@cache
def texts(language: str) -> Mapping[str, str]:
    """All sentences of LANGUAGE by name. Read when the first is said: a start costs nothing."""
    sections = yaml.load((FOLDER / f"{language}.yaml").read_bytes(), _LOADER)  # noqa: S506  # both are safe loaders
    return {f"{section}.{key}": str(text) for section, entries in sections.items() for key, text in entries.items()}
