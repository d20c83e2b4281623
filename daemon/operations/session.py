"""Who stands before the desk: the connection that asked, as operations see it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any, Protocol


class Unanswered(Exception):
    """A question to the visitor got no answer: an error, in the visitor's `words`, or none in time, or it is `gone`."""

    def __init__(self, words: str | None = None, *, gone: bool = False) -> None:
        super().__init__(words)
        self.words = words
        self.gone = gone


class Session(Protocol):
    """The connection that asked. An HTTP request has one that ignores notifications."""

    language: str | None
    """What its visitor reads, when it said so once for all with `hello`."""
    answers: Collection[str]
    """The questions that its visitor answers, as it said with `hello`."""

    def notify(self, method: str, params: Mapping[str, Any]) -> None:
        """Send a notification."""

    def delta(self, tag: Any, call_id: str, text: str) -> None:
        """Send text of a stream."""

    def on_close(self, action: Callable[[], None]) -> None:
        """Run ACTION when the connection ends."""

    async def ask(self, method: str, params: Mapping[str, Any], timeout_s: float) -> Any:
        """The visitor's answer to a request of ours. Raises Unanswered."""


class NoSession:
    """For a visitor who gets one answer and nothing else."""

    language: str | None = None
    answers: Collection[str] = ()

    def notify(self, method: str, params: Mapping[str, Any]) -> None:
        """Ignore."""

    def delta(self, tag: Any, call_id: str, text: str) -> None:
        """Ignore."""

    def on_close(self, action: Callable[[], None]) -> None:
        """Ignore."""

    async def ask(self, method: str, params: Mapping[str, Any], timeout_s: float) -> Any:
        """Nobody is there to be asked."""
        raise Unanswered(gone=True)
