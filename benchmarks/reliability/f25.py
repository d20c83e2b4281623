"""F25: killed at each statement of each migration."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

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


def measure(scale: float) -> Figure:
    """From an empty file and from each older schema; statement by statement, until the opening ends untouched."""
    newest, half, kills, kept = len(schema()), 0, 0, 0
    for version in range(newest):
        at = 0
        while True:
            at += 1
            with tempfile.TemporaryDirectory(prefix="slu") as folder:
                file = Path(folder) / FILE
                _old(file, version)
                command = [sys.executable, "-c", CHILD, folder, str(at)]
                code = subprocess.run(command, capture_output=True, check=False, timeout=60).returncode
                whole, rows = _whole(Path(folder), version)
                half += not whole
                kills += code == KILLED
                kept += rows
            if code != KILLED:
                half += code != 0
                break
    reached = f"{half} half-migrated after {kills} kills"
    what = f"{newest} schema{'s' if newest > 1 else ''} to the newest, killed at each statement"
    return Figure("F25", what, "0 half-migrated, all open afterwards", reached, ok=not half and kills >= 10 * newest)


def _old(file: Path, version: int) -> None:
    """A journal as that version left it."""
    file.touch(0o600)
    db = sqlite3.connect(file, isolation_level=None)
    for number, step in enumerate(schema()[:version], 1):
        db.executescript(f"BEGIN;\n{step}\nPRAGMA user_version = {number};\nCOMMIT;")
    db.close()


def _whole(folder: Path, version: int) -> tuple[bool, int]:
    """True if what is there is the old schema or a new one, whole, and opens; and how many tables there are."""
    db = sqlite3.connect(folder / FILE)
    now = db.execute("PRAGMA user_version").fetchone()[0]
    tables = {row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'")}
    db.close()
    expected = _tables(now)
    opened = open_database(folder, 1e9)
    after = opened.db.execute("PRAGMA user_version").fetchone()[0]
    sound = opened.db.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    opened.db.close()
    return version <= now and tables == expected and after == len(schema()) and sound and opened.corrupt is None, len(
        tables
    )


def _tables(version: int) -> set[str]:
    """The names in a schema of that version."""
    db = sqlite3.connect(":memory:")
    for step in schema()[:version]:
        db.executescript(step)
    names = {row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'")}
    db.close()
    return names
