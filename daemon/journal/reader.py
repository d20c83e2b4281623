"""Questions to the journal. Read-only, in short transactions: a long one would keep the WAL from being emptied."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from daemon.errors import InvalidCall, NotFound
from daemon.journal.bodies import Bodies
from daemon.journal.database import FILE, schema
from daemon.journal.filters import condition
from daemon.journal.forgetting import Which, count
from daemon.journal.timeline import words
from daemon.model import Priority
from daemon.phrases import Phrase, phrase
from daemon.spending import Spent

_SHORT: Final = (
    *("id", "ref", "client", "state", "host", "provider", "kind", "model", "method", "status", "subtype", "family"),
    *("line", "attempts", "waited_s", "sent_at", "first_byte_at", "ended_at", "how", "answered_with"),
)
SHORTEST_PREFIX: Final = 3
MAX_LIMIT: Final = 10_000
PAGE: Final = 200
"""Rows that `each` holds at a time."""


class Reader:
    """A read-only connection. Close it, or use it as a context manager, which turns an sqlite3.Error inside of it into
    NotFound: a bad page is met only where it is read."""

    def __init__(self, folder: Path, *, clock: Callable[[], float] = time.time) -> None:
        """Open. Raises NotFound when there is no journal, or none that this version can read."""
        self._folder = folder
        self._bodies = Bodies(folder)
        self._clock = clock
        path = folder / FILE
        if not path.is_file():
            raise NotFound(phrase("journal.none", folder=str(folder)))
        with ExitStack() as undo:
            try:
                self._db = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)
                undo.callback(self._db.close)
                self._db.row_factory = sqlite3.Row
                self._db.executescript(
                    "PRAGMA query_only = ON; PRAGMA trusted_schema = OFF; PRAGMA busy_timeout = 2000;"
                )
                version = self._db.execute("PRAGMA user_version").fetchone()[0]
            except sqlite3.Error as error:
                raise self._unreadable(error) from error
            if version != len(schema()):
                name = "journal.older" if version < len(schema()) else "journal.version"
                raise NotFound(phrase(name, folder=str(folder), theirs=version, ours=len(schema())))
            undo.pop_all()

    def close(self) -> None:
        """Give the connection back."""
        self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
        if isinstance(error, sqlite3.Error):
            raise self._unreadable(error) from error

    def _unreadable(self, error: sqlite3.Error) -> NotFound:
        return NotFound(phrase("journal.unreadable", folder=str(self._folder), why=str(error)))

    def calls(self, *, limit: int = 100, before: str | None = None, **filters: Any) -> list[dict[str, Any]]:
        """Calls that match, newest first. FILTERS are those of `condition`: failed, since_s, model (may be a shell
        pattern), client, subtype, host, ids. BEFORE is the id of the call to go on after."""
        where, values = condition(self._clock(), **filters)
        if before is not None:
            where += " AND n < (SELECT n FROM calls WHERE id = ?)"
            values.append(before)
        rows = self._db.execute(
            f"SELECT * FROM calls WHERE {where} ORDER BY n DESC LIMIT ?",  # noqa: S608 - clauses are ours, values are bound
            [*values, max(0, min(limit, MAX_LIMIT))],
        ).fetchall()
        return [short(row) for row in rows]

    def each(self, **filters: Any) -> Iterator[dict[str, Any]]:
        """All calls that match, whole, oldest first; a few at a time, so that no reading takes long."""
        where, values = condition(self._clock(), **filters)
        question = f"SELECT * FROM calls WHERE {where} AND n > ? ORDER BY n LIMIT ?"  # noqa: S608 - as above
        last = -1
        while rows := self._db.execute(question, [*values, last, PAGE]).fetchall():
            last = rows[-1]["n"]
            for row in rows:
                yield self._whole(row)

    def call(self, name: str) -> dict[str, Any] | None:
        """One call whole: by id, the beginning of one, the client's own id, `last` or `last-failed`; None if not there.

        Raises InvalidCall when several ids begin so.
        """
        row = self._find(name)
        return self._whole(row) if row is not None else None

    def _whole(self, row: sqlite3.Row) -> dict[str, Any]:
        attempts = self._db.execute("SELECT * FROM attempts WHERE call = ? ORDER BY attempt", (row["n"],)).fetchall()
        steps = self._db.execute("SELECT * FROM steps WHERE call = ? ORDER BY at, rowid", (row["n"],)).fetchall()
        return {
            **short(row),
            "pool": row["pool"],
            "key": row["key"],
            "url": row["url"],
            "request": {
                "target": json.loads(row["target"]),
                "headers": json.loads(row["headers"]),
                "bytes": row["body_bytes"],
                "kept": row["body_kept"],
                "changed": bool(row["body_changed"]),
                "file": str(self._bodies.path(row["id"], "request")) if row["body_kept"] else None,
            },
            "answer": {
                "bytes": row["answer_bytes"],
                "file": str(self._bodies.path(row["id"], "answer")) if row["answer_kept"] else None,
            },
            "explanation": json.loads(row["explanation"]) if row["explanation"] else None,
            "tries": [_attempt(attempt) for attempt in attempts],
            "timeline": [_step(step) for step in steps],
        }

    def ledger(self, since: str) -> list[Spent]:
        """What was used on each day from SINCE on, a local date as ISO text."""
        rows = self._db.execute("SELECT * FROM ledger WHERE day >= ? ORDER BY day", (since,)).fetchall()
        return [Spent(**dict(row)) for row in rows]

    def ids(self, names: Iterable[str]) -> tuple[str, ...]:
        """The ids of calls by any of the names that `call` takes. Raises NotFound, InvalidCall."""
        found = []
        for name in names:
            row = self._find(name)
            if row is None:
                raise missing(name)
            found.append(row["id"])
        return tuple(dict.fromkeys(found))

    def count(self, which: Which, *, open_too: bool = False) -> int:
        """How many calls `forget` would delete; with OPEN_TOO `forget_offline`."""
        return count(self._db, which, open_too=open_too)

    def _find(self, name: str) -> sqlite3.Row | None:
        found: sqlite3.Row | None
        if name == "last":
            found = self._db.execute("SELECT * FROM calls ORDER BY n DESC LIMIT 1").fetchone()
            return found
        if name == "last-failed":
            found = self._db.execute("SELECT * FROM calls WHERE state = 'failed' ORDER BY n DESC LIMIT 1").fetchone()
            return found
        for question in (
            "SELECT * FROM calls WHERE id = ?",
            "SELECT * FROM calls WHERE ref = ? ORDER BY n DESC LIMIT 1",
        ):
            found = self._db.execute(question, (name,)).fetchone()
            if found is not None:
                return found
        return self._by_prefix(name) if len(name) >= SHORTEST_PREFIX else None

    def _by_prefix(self, prefix: str) -> sqlite3.Row | None:
        rows = self._db.execute(
            "SELECT * FROM calls WHERE id >= ? AND id < ? LIMIT 4", (prefix, prefix + "\U0010ffff")
        ).fetchall()
        if len(rows) > 1:
            ids = ", ".join([row["id"] for row in rows[:3]]) + (", ..." if len(rows) > 3 else "")
            raise InvalidCall(phrase("journal.several", prefix=prefix, ids=ids))
        return rows[0] if rows else None


def missing(name: str) -> NotFound:
    """The refusal for a call that is not there, by the NAME that was asked for."""
    if name in ("last", "last-failed"):
        return NotFound(phrase("journal.none_yet" if name == "last" else "journal.none_failed"))
    return NotFound(phrase("journal.no_call", name=name))


def without_explanation(row: Mapping[str, Any]) -> Phrase:
    """What is to be said of a call of `Reader.call` for which there is no explanation: it went well, it has not ended,
    or Sluice itself has ended it."""
    if row["state"] in ("waiting", "running", "held"):
        return phrase("journal.not_ended", call=row["id"])
    if row["state"] == "interrupted":
        return phrase("journal.interrupted", call=row["id"])
    if row["state"] == "done" or not row.get("line"):
        return phrase("journal.nothing_to_explain", call=row["id"])
    return phrase("journal.ended_here", call=row["id"], line=row["line"])


def which(row: Mapping[str, Any]) -> dict[str, Any]:
    """Which call of `Reader.call` an explanation is about: its names, when it ended, and the model that it asked."""
    at = row.get("ended_at") or row.get("started_at")
    return {"call": row["id"], "ref": row.get("ref"), "at": at, "model": row.get("model"), "host": row.get("host")}


def open_reader(folder: Path) -> Reader:
    """Open the journal in FOLDER for reading, also while a daemon writes it. Raises NotFound."""
    return Reader(folder)


def short(row: sqlite3.Row) -> dict[str, Any]:
    """A call as one line of a list."""
    end, start = row["ended_at"], row["arrived_at"]
    return {
        **{name: row[name] for name in _SHORT},
        "started_at": start,
        "duration_s": None if end is None else max(0.0, end - start),
        "priority": Priority(row["priority"]).name.lower(),
        "stream": bool(row["stream"]),
        "target": shown(json.loads(row["target"])),
        "estimate": row["estimate"],
        "usage": _usage(row),
    }


def shown(pieces: list[Any]) -> str:
    """A target with its secrets as bucket names."""
    return "".join([piece if isinstance(piece, str) else f"«{piece['secret']}»" for piece in pieces])


def _usage(row: sqlite3.Row) -> dict[str, Any] | None:
    if row["input_tokens"] is None:
        return None
    return {
        "input": row["input_tokens"],
        "output": row["output_tokens"],
        "cached_input": row["cached_tokens"],
        "cache_write": row["written_tokens"],
        "reported": bool(row["usage_reported"]),
    }


def _attempt(row: sqlite3.Row) -> dict[str, Any]:
    values = {name: row[name] for name in row.keys() if name != "call"}  # noqa: SIM118 - iterating a Row gives values
    return {**values, "headers": _parsed(row["headers"]), "readings": _parsed(row["readings"])}


def _parsed(text: str | None) -> list[Any]:
    return list(json.loads(text)) if text else []


def _step(row: sqlite3.Row) -> dict[str, Any]:
    values = {name: row[name] for name in ("at", "kind", "attempt", "status", "wait_s", "reason")}
    return {**values, "text": words(values)}
