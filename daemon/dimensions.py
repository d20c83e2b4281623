"""What limits count, and over which time: the names, and how people say them."""

from __future__ import annotations

from functools import lru_cache

from daemon import TYPE_CHECKING
from daemon.phrases import Phrase, phrase

if TYPE_CHECKING:
    from typing import Literal

    Dimension = Literal[
        "requests", "tokens", "input_tokens", "output_tokens", "images", "audio_seconds", "concurrency"
    ]  # fmt: skip

DIMENSIONS: tuple[Dimension, ...] = (
    "requests", "tokens", "input_tokens", "output_tokens", "images", "audio_seconds", "concurrency",
)  # fmt: skip

PERIODS = frozenset({"second", "minute", "hour", "day", "week", "month"})


@lru_cache(256)
def what(dimension: str) -> Phrase:
    """What is counted: `input tokens`."""
    return phrase(f"what.{dimension}") if dimension in DIMENSIONS else phrase("what.other", word=dimension)


def period_of(word: str) -> Phrase:
    """A period as `period_word` says it."""
    count, _, unit = word.partition(" ")
    if unit in ("days", "s"):
        return phrase("period.days" if unit == "days" else "period.seconds", n=count)
    return phrase(f"period.{word}") if word in PERIODS else phrase("period.other", word=word)
