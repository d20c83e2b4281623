"""In which language the configuration wants to be answered. Each command asks, so the file is rarely parsed."""

from __future__ import annotations

import os
import re

from daemon import TYPE_CHECKING
from daemon.phrases import language_by, spoken

if TYPE_CHECKING:
    from collections.abc import Mapping


def language_in(path: str | None, environ: Mapping[str, str]) -> str:
    """What `load` finds as the language, even when all else is wrong: who asks what is wrong should understand it."""
    if asked := spoken(environ.get("SLUICE_LANGUAGE", "")):
        return asked
    lines = _mentions(path) if path is not None else []
    if not lines or path is None:
        return language_by(environ)
    plain = re.fullmatch(r"language:[ \t]+([A-Za-z_-]+)[ \t\r]*(#.*)?", lines[0]) if len(lines) == 1 else None
    return (spoken(plain[1]) if plain else _parsed(path)) or language_by(environ)


def _mentions(path: str) -> list[str]:
    """The lines of the file that speak of a language, without comments: in most files there is none."""
    if not os.path.isfile(path):
        return []
    try:
        with open(path, encoding="utf-8-sig", errors="replace") as file:
            return re.findall(r"(?m)^[^#\n]*language.*$", file.read(1 << 20))
    except OSError:
        return []


def _parsed(path: str) -> str | None:
    from pathlib import Path

    from daemon.config.file import language_of

    return language_of(Path(path))
