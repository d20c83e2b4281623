"""One safety check that is taken out."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mutant:
    """One check less."""

    what: str
    """The check that is gone."""
    file: str
    old: str
    new: str
    tests: tuple[str, ...]
    """Of these at least one must fail."""
