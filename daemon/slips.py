"""Which known word was meant by one that is not known."""

from __future__ import annotations

from daemon import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def nearest(word: str, known: Iterable[str], like: float = 0.7) -> str | None:
    """The KNOWN word that WORD looks most like, if it is at least so much LIKE it: 1 is equal, and what takes effect
    unasked, or doubts what may well be meant so, wants more than what is only offered."""
    from difflib import get_close_matches  # here: it is asked about slips alone

    close = get_close_matches(word, list(known), n=1, cutoff=like)
    return close[0] if close else None
