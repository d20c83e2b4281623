"""What is remembered of a key's recent calls, so that an explanation can use it."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from daemon.model import Failure


@dataclass(frozen=True, slots=True)
class Refused:
    """An answer for which calls are held back."""

    failure: Failure
    subtype: str
    group: str | None
    """The models that it is about; None: all that the key is for."""


class Tally:
    """How many calls went out with one key in the last minute, when one last succeeded, and what it was refused for."""

    __slots__ = ("_last_success", "_sent", "refused")

    def __init__(self) -> None:
        self._sent: deque[float] = deque(maxlen=10_000)
        self._last_success: float | None = None
        self.refused: Refused | None = None
        """The newest one, until a success shows that it has been put right; calls that are held back get its body."""

    def sent(self, now: float) -> None:
        """A call went out at NOW."""
        self._sent.append(now)

    @property
    def last_sent(self) -> float:
        """When a call last went out; 0 for never."""
        return self._sent[-1] if self._sent else 0.0

    def succeeded(self, now: float, group: str = "") -> None:
        """A call for a model of GROUP was answered with a success at NOW."""
        self._last_success = now
        if self.refused is not None and self.refused.group in (None, group):
            self.refused = None

    def last_minute(self, now: float) -> int:
        """Calls that went out in the 60 seconds before NOW."""
        while self._sent and self._sent[0] < now - 60:
            self._sent.popleft()
        return len(self._sent)

    def since_success(self, now: float) -> float | None:
        """Seconds since the last success; None if there was none."""
        return None if self._last_success is None else max(0.0, now - self._last_success)
