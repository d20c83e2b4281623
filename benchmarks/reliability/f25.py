"""F25: killed at each statement of each migration; a journal with a row in each table is whole afterwards."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.reliability.figure import Figure
from daemon.journal.database import FILE, open_database, schema

SHORT = 1.0
KILLED = 9
CHILD = """
import os, sqlite3, sys
from pathlib import Path
from daemon.journal import database
left = int(sys.argv[2])
def seen(statement):
    global left
    left -= 1
    if left == 0:
        os._exit(9)
def connect(*given, **more):
    made = real(*given, **more)
    made.set_trace_callback(seen)
    return made
real, sqlite3.connect = sqlite3.connect, connect
database.open_database(Path(sys.argv[1]), 1e9).db.close()
"""
DAY = "date(ended_at, 'unixepoch', 'localtime')"
LEDGER_FROM = 2
"""The version whose migration adds the ledger up from the calls."""
BOOK = ("h", "k", "m", "c", 3, 1, 15, 8, 2, 1, 1)
"""What the ledger says of the calls below, less their day: whose they are, how many, failed, and their tokens."""

Row = tuple[Any, ...]


def measure(scale: float) -> Figure:
    """From an empty file and from each older schema; statement by statement, until the opening ends untouched."""
    newest, half, kills = len(schema()), 0, 0
    lost: set[str] = set()
    for version in range(newest):
        at, code = 0, KILLED
        while code == KILLED:
            at += 1
            with tempfile.TemporaryDirectory(prefix="slu") as folder:
                before = old(Path(folder), version)
                command = [sys.executable, "-c", CHILD, folder, str(at)]
                code = subprocess.run(command, capture_output=True, check=False, timeout=60).returncode
                half += not whole(Path(folder), version)
                kills += code == KILLED
                lost |= {f"{what} (version {version}, statement {at})" for what in amiss(Path(folder), before)}
        half += code != 0
    reached = f"{half} half-migrated after {kills} kills; {len(lost)} times a row was lost, changed or doubled"
    reached += f": {', '.join(sorted(lost)[:3])}" if lost else ""
    what = f"{newest} schema{'s' if newest > 1 else ''} to the newest, a row in each table, killed at each statement"
    target = "0 half-migrated, all open afterwards; each row as it was, the ledger once"
    return Figure("F25", what, target, reached, ok=not half and not lost and kills >= 10 * newest)


def old(folder: Path, version: int) -> dict[str, list[Row]]:
    """Make a journal in FOLDER as that version left it, with rows in each table; return what is in it by table."""
    file = folder / FILE
    file.touch(0o600)
    db = sqlite3.connect(file, isolation_level=None)
    for number, step in enumerate(schema()[:version], 1):
        db.executescript(f"BEGIN;\n{step}\nPRAGMA user_version = {number};\nCOMMIT;")
    if version:
        _fill(db)
    if version >= LEDGER_FROM:
        db.execute(f"INSERT INTO ledger SELECT {DAY}, {', '.join('?' * len(BOOK))} FROM calls WHERE id = 'a'", BOOK)
    found = contents(db)
    db.close()
    assert all(found.values()), "a table of an old journal has no row"
    return found


def _fill(db: sqlite3.Connection) -> None:
    """Three calls that count and two that do not, all of one book and one day; attempts, a step, what is remembered."""
    db.executemany(
        """INSERT INTO calls (id, client, priority, state, arrived_at, ended_at, host, url, provider, key, pool, kind,
        model, stream, method, target, headers, body_bytes, input_tokens, output_tokens, cached_tokens, written_tokens,
        usage_reported) VALUES (?, 'c', 0, ?, 1.0, ?, 'h', 'u', 'p', 'k', 'm', 'chat', 'm', 0, 'POST', '[]', '[]', 1,
        ?, ?, ?, ?, ?)""",
        [
            ("a", "done", 1e9, 5, 7, 2, 0, 1), ("b", "done", 1e9, 10, 1, 0, 1, 0),
            ("d", "failed", 1e9, None, None, None, None, None),
            ("e", "cancelled", 1e9, 9, 9, 9, 9, 1), ("f", "running", None, 9, 9, 9, 9, 1),
        ],
    )  # fmt: skip
    db.execute("INSERT INTO attempts (call, attempt, status, body) VALUES (1, 1, 429, 'no'), (1, 2, 200, NULL)")
    db.execute(
        "INSERT INTO steps (call, at, kind, attempt, status, wait_s, reason) VALUES (1, 1.5, 'sent', 1, 429, 2.5, 'x')"
    )
    db.execute("INSERT INTO memory VALUES ('limit', 'h', '{\"a\": 1}')")


def contents(db: sqlite3.Connection) -> dict[str, list[Row]]:
    """What is in each table, in order."""
    tables = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
    return {name: _rows(db, name) for name in tables if not name.startswith("sqlite_")}


def _rows(db: sqlite3.Connection, table: str) -> list[Row]:
    return db.execute(f"SELECT * FROM {table} ORDER BY rowid").fetchall()


def amiss(folder: Path, before: dict[str, list[Row]]) -> list[str]:
    """What of BEFORE is not in the newest journal as it was, or is there twice, and in the copy of the older one that
    was made before; and a ledger that does not add up."""
    db = sqlite3.connect(folder / FILE)
    wrong = [f"rows of {table}" for table in _changed(db, before)]
    if [row[1:] for row in _rows(db, "ledger")] != ([BOOK] if before else []):
        wrong.append("the ledger")
    db.close()
    if before:
        db = sqlite3.connect(f"{folder / FILE}.before-version-{len(schema())}")
        wrong += [f"rows of {table} in the copy" for table in _changed(db, before)]
        db.close()
    return wrong


def _changed(db: sqlite3.Connection, before: dict[str, list[Row]]) -> list[str]:
    """The tables of BEFORE whose rows are others now; new columns aside."""
    now = contents(db)
    return [name for name, rows in before.items() if [row[: len(rows[0])] for row in now.get(name, [])] != rows]


def whole(folder: Path, version: int) -> bool:
    """True if what is there is the old schema or a newer one, whole, and opens as the newest, undamaged."""
    db = sqlite3.connect(folder / FILE)
    now = db.execute("PRAGMA user_version").fetchone()[0]
    tables = _names(db)
    db.close()
    opened = open_database(folder, 1e9)
    after = opened.db.execute("PRAGMA user_version").fetchone()[0]
    sound = opened.db.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    opened.db.close()
    expected = sqlite3.connect(":memory:")
    for step in schema()[:now]:
        expected.executescript(step)
    same = tables == _names(expected)
    expected.close()
    return version <= now and same and after == len(schema()) and sound and opened.corrupt is None


def _names(db: sqlite3.Connection) -> set[tuple[str, str]]:
    """The tables, columns and indexes, as they were made."""
    return set(db.execute("SELECT name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'"))
