"""What the journal writes, as SQL. Rows by position, in the order that `story` names; small things by name."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from daemon.journal.story import ASKED, ATTEMPT, CALL


def _row(table: str, columns: Iterable[str], verb: str = "INSERT") -> str:
    names = tuple(columns)
    return f"{verb} INTO {table} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})"


@lru_cache(maxsize=256)
def many(statement: str, rows: int) -> str:
    """STATEMENT, which writes or finds one, for so many ROWS at once."""
    place = statement[statement.index("(?") : statement.rindex("?)") + 2]
    return statement.replace(place, ", ".join([place] * rows))


BEGIN_CALL: Final = _row("calls", ("n", *ASKED, *CALL)) + " ON CONFLICT DO NOTHING"
"""Does nothing where the call has a row already: the file was closed and opened again while it ran."""
CHANGE_CALL: Final = f"UPDATE calls SET {', '.join(f'{name} = ?' for name in CALL)} WHERE n = ?"  # noqa: S608 - our own words
MOVE_CALL: Final = f"UPDATE calls SET {', '.join(f'{name} = ?' for name in ASKED)} WHERE n = ?"  # noqa: S608 - our own words
"""It went on with another key or to another host."""
KNOWN: Final = "SELECT id FROM calls WHERE (id) IN (VALUES (?))"
DELETE: Final = "DELETE FROM calls WHERE (n) IN (VALUES (?))"
NUMBER: Final = "SELECT n FROM calls WHERE id = ?"
TRY: Final = _row("attempts", ("call", "attempt", *ATTEMPT), "INSERT OR REPLACE")
STEP: Final = _row("steps", ("call", "at", "kind", "attempt", "status", "wait_s", "reason"))

LEDGER: Final = """INSERT INTO ledger (day, host, key, model, client, calls, failed, input, output, cached_input,
        cache_write, estimated)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (day, host, key, model, client) DO UPDATE SET calls = calls + excluded.calls,
        failed = failed + excluded.failed, input = input + excluded.input, output = output + excluded.output,
        cached_input = cached_input + excluded.cached_input, cache_write = cache_write + excluded.cache_write,
        estimated = estimated + excluded.estimated"""

LAST_NUMBER: Final = "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'calls'"
INTERRUPTED: Final = """UPDATE calls SET state = 'interrupted'
    WHERE state IN ('waiting', 'running', 'held') AND id NOT IN (SELECT value FROM json_each(?))"""
"""What a crash left open. The ids of calls that run now, as JSON, are left out."""
REMEMBER: Final = "INSERT OR REPLACE INTO memory (kind, key, value) VALUES (:kind, :key, :value)"
REMEMBERED: Final = "SELECT kind, key, value FROM memory ORDER BY rowid"
"""All of it; what was written longest ago comes first."""
FORGET: Final = "DELETE FROM memory WHERE kind = :kind AND key = :key"
