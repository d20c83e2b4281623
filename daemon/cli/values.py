"""Readers for the values of options: paths, durations, instants, whole numbers. What is wrong is a phrase."""

from __future__ import annotations

from daemon import TYPE_CHECKING
from daemon.phrases import phrase

if TYPE_CHECKING:
    from collections.abc import Callable

    from daemon.phrases import Phrase

LONGEST_S = 1e9
"""The longest duration in seconds that the daemon takes: 31 years, so as good as always."""


def place(word: str) -> str:
    """An absolute path from an option. A path that is empty (an unset variable?) would silently mean the default."""
    if not word:
        raise _wrong(phrase("arguments.empty_path"))
    from pathlib import Path

    try:
        return str(Path(word).expanduser().absolute())
    except (OSError, RuntimeError) as error:  # the folder where we stand is gone, or nobody has that home
        raise _wrong(phrase("arguments.lost_path", path=word, why=str(error))) from None


def seconds(word: str) -> float:
    """A duration such as 90s, 15m, 1h or 7d, in seconds."""
    import re

    found = re.fullmatch(r"(\d{1,9}(?:\.\d{1,9})?)([smhd])", word.strip().lower())
    if found is None:
        raise _wrong(phrase("arguments.duration", value=word))
    return min(float(found[1]) * {"s": 1, "m": 60, "h": 3600, "d": 86400}[found[2]], LONGEST_S)


def instant(word: str) -> float:
    """A Unix time from a duration that ends now, or from a local date with or without a time."""
    import time
    from datetime import datetime

    try:
        return datetime.fromisoformat(word.strip()).timestamp()
    except (ValueError, OverflowError):
        pass
    from daemon.arguments import WrongValue

    try:
        return time.time() - seconds(word)
    except WrongValue:
        raise _wrong(phrase("arguments.instant", value=word)) from None


def between(least: int, most: int) -> Callable[[str], int]:
    """A reader of whole numbers from LEAST to MOST."""

    def read(word: str) -> int:
        if not word.isdecimal() or not least <= int(word[:9]) <= most:
            raise _wrong(phrase("arguments.whole", value=word, least=least, most=most))
        return int(word)

    return read


def _wrong(why: Phrase) -> Exception:
    from daemon.arguments import WrongValue  # here: it brings argparse, and most values are right

    return WrongValue(why)
