"""One call as it will stand in the journal: events are added while it runs, and it is written when that is due."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from daemon.redact import Secret

Row = dict[str, Any]
"""Columns and their values, in the order of the statement that writes them."""

CALL: Final[Row] = {
    "state": "waiting", "sent_at": None, "first_byte_at": None, "ended_at": None, "waited_s": 0.0, "attempts": 0,
    "body_kept": 0, "body_changed": 0, "answer_bytes": 0, "answer_kept": 0, "status": None, "subtype": None,
    "family": None, "line": None, "explanation": None, "input_tokens": None, "output_tokens": None,
    "cached_tokens": None, "written_tokens": None, "usage_reported": None, "how": None,
    "answered_with": None,
}  # fmt: skip
"""What changes while a call runs, as it is at its beginning."""

ASKED: Final = (
    "id", "ref", "client", "priority", "arrived_at", "host", "url", "provider", "key", "pool", "kind", "model",
    "stream", "method", "target", "headers", "estimate", "body_bytes",
)  # fmt: skip
"""What a call asks, and of whom: as it came in, or as it was sent last."""

ATTEMPT: Final[Row] = {
    "sent_at": None, "answered_at": None, "first_byte_at": None, "ended_at": None, "status": None, "headers": None,
    "readings": None, "fault": None, "sent": None, "detail": None, "body": None, "subtype": None, "line": None,
}  # fmt: skip

Step = tuple[float, str, int, int | None, float | None, str | None]
"""When, what, of which attempt; status, seconds of waiting, and why."""

Book = tuple[str, str, str, str, str]
"""Where the ledger adds it up: day, host, key, model, client."""


@dataclass(slots=True, eq=False)
class Story:
    """What is known of a call. The journal's thread alone touches it."""

    n: int
    """Its number in the file: the order of arrival."""
    secrets: tuple[Secret, ...]
    asked: tuple[Any, ...]
    """The values of ASKED. They stay while the call runs: another file may be opened meanwhile, and needs them."""
    names: tuple[str, str, str, str]
    """Host, key, model and client, as they stand in the file."""
    row: Row = field(default_factory=CALL.copy)
    attempts: dict[int, Row] = field(default_factory=dict)
    """By number; those that may still change."""
    steps: list[Step] = field(default_factory=list)
    """Those that are not in the file yet."""
    used: tuple[Book, tuple[int, ...]] | None = None
    """What it adds to the ledger."""
    since: float | None = None
    """When the first of what is not in the file came in, on the monotonic clock."""
    stored: bool = False
    """It has a row in the file that is open."""
    moved: bool = False
    """That row has other values of ASKED: it went on with another key or to another host."""
    ended: bool = False

    def attempt(self, number: int) -> Row:
        """The attempt of that NUMBER."""
        found = self.attempts.get(number)
        if found is None:
            found = self.attempts[number] = ATTEMPT.copy()
        return found

    def settle(self, stored: bool) -> None:
        """All of it is in the file now, or, if not STORED, never can be."""
        self.stored = self.stored or stored
        self.moved = self.moved and not self.stored
        self.steps, self.used, self.since = [], None, None
        while len(self.attempts) > 1:  # the last one may go on
            del self.attempts[next(iter(self.attempts))]
