"""What Sluice itself says to people. The words are data (`data/words/phrases/LANGUAGE.yaml`), a sentence an entry.

A Phrase is the English sentence, so that logs and programs can take it for a text; whoever shows it to a person tells
it in that person's language. Its values may be phrases too: a duration, the name of a limit.
"""

from __future__ import annotations

import os
import re
from functools import cache, reduce

from daemon import TYPE_CHECKING, datafile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any, Final, TypeVar

    T = TypeVar("T")

_FILES: Final = "words/phrases"

Value = str | int | float


class Phrase(str):
    """A sentence in English that can be told in other languages."""

    __slots__ = ("name", "values")
    name: str
    values: Mapping[str, Value]

    def __new__(cls, name: str, values: Mapping[str, Value]) -> Phrase:
        """Fill the English sentence NAME. Raises KeyError for one that does not exist, or lacks a value."""
        made = super().__new__(cls, text(name, "en").format(**values))
        made.name, made.values = name, values
        return made

    def __reduce__(self) -> tuple[Any, ...]:
        """How it is copied: a text alone would lose its values."""
        return Phrase, (self.name, self.values)

    def told(self, language: str) -> str:
        """The sentence in LANGUAGE; in English when that has no words."""
        values = {name: told(value, language) for name, value in self.values.items()}
        return text(self.name, short(language)).format(**values)


def phrase(name: str, /, **values: Value) -> Phrase:
    """The sentence NAME (`section.key` in the files) with its VALUES."""
    return Phrase(name, values)


def recognized(text: str, section: str) -> Phrase | None:
    """The phrase of SECTION whose English is TEXT: what a journal has kept can be told in any language."""
    for name, form in _forms(section):
        if found := form.fullmatch(text):
            return phrase(name, **found.groupdict())
    return None


@cache
def _forms(section: str) -> tuple[tuple[str, re.Pattern[str]], ...]:
    """Each English sentence of SECTION as a pattern that finds its values."""
    return tuple(
        (f"{section}.{key}", re.compile(re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>.+)", re.escape(text)), re.DOTALL))
        for key, text in _words("en")[section].items()
    )


def teller(language: str) -> Callable[..., str]:
    """Return `tell(name, **values)`, which says a sentence in LANGUAGE at once: for what is only printed or logged."""
    spoken_here = short(language)

    def tell(name: str, /, **values: Value) -> str:
        return text(name, spoken_here).format(**{key: told(value, spoken_here) for key, value in values.items()})

    return tell


def lines(phrases: Iterable[Phrase]) -> Phrase:
    """PHRASES, of which there is at least one, below each other."""
    return reduce(lambda first, more: phrase("lines.two", first=first, more=more), phrases)


def told(value: T, language: str) -> T:
    """VALUE with each phrase in it told in LANGUAGE; all else is as it was."""
    if isinstance(value, Phrase):
        return value.told(language)  # type: ignore[return-value]  # a phrase is a text, and so is what it says
    if isinstance(value, dict):
        return {name: told(one, language) for name, one in value.items()}  # type: ignore[return-value]
    return [told(one, language) for one in value] if isinstance(value, list) else value  # type: ignore[return-value]


def short(language: str) -> str:
    """`ko` for `ko_KR.UTF-8`; `en` for a language without words."""
    return spoken(language) or "en"


def spoken(language: str) -> str | None:
    """`ko` for `ko_KR.UTF-8`; None for a language without words."""
    code = re.split("[-_.@]", language)[0].lower()
    return code if code in languages() else None


def language_by(environ: Mapping[str, str]) -> str:
    """The language that SLUICE_LANGUAGE, else the system's locale says by the rules of POSIX; English without words."""
    if asked := spoken(environ.get("SLUICE_LANGUAGE", "")):
        return asked
    found = [environ[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if environ.get(name)]
    return short(found[0]) if found else "en"


@cache
def languages() -> frozenset[str]:
    """The languages that there are words for."""
    names = os.listdir(os.path.join(datafile.DATA, _FILES))
    return frozenset(name.removesuffix(".yaml") for name in names if name.endswith(".yaml"))


def text(name: str, language: str) -> str:
    """The sentence NAME of LANGUAGE, with its places for values. Raises KeyError."""
    section, _, key = name.partition(".")
    return _words(language)[section][key]


def texts(language: str) -> Mapping[str, str]:
    """All sentences of LANGUAGE by name."""
    return {f"{name}.{key}": text for name, entries in _words(language).items() for key, text in entries.items()}


@cache
def _words(language: str) -> Mapping[str, Mapping[str, str]]:
    """The sections of LANGUAGE, each with its sentences."""
    words = datafile.read(f"{_FILES}/{language}")
    return {name: {key: str(text) for key, text in entries.items()} for name, entries in words.items()}
