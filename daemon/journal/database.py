"""Opening the journal's file: safely, with the right settings, in the right version, and never in the way of a call.

Facts (measured with SQLite 3.40.1): WAL with synchronous=FULL costs 0.2 ms a commit in the writer thread; a database
that SQLite makes by itself is readable for all (0644), one that exists 0600 gives its -wal and -shm the same mode; a
damaged page raises SQLITE_CORRUPT and a wiped header SQLITE_NOTADB, both `DatabaseError`; `user_version` rolls back
with its transaction. Two connections that write at once can corrupt a WAL before 3.51.3: so there is one, and a lock.
"""

from __future__ import annotations

import fcntl
import os
import re
import sqlite3
import stat
import time
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from daemon.journal import statements as sql
from daemon.phrases import phrase

FILE: Final = "journal.db"
SIDE_FILES: Final = ("", "-wal", "-shm")
QUICK: Final = 32 << 20
"""Bytes up to which a file is checked at every start; a larger one only after an unclean end."""

KEEP_CORRUPT: Final = 2
"""Damaged files that are kept for whoever wants to look."""

_DAMAGED: Final = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_PRAGMAS: Final = """
    PRAGMA auto_vacuum = INCREMENTAL;
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    PRAGMA fullfsync = ON;
    PRAGMA secure_delete = ON;
    PRAGMA foreign_keys = ON;
    PRAGMA trusted_schema = OFF;
    PRAGMA busy_timeout = 2000;
    PRAGMA journal_size_limit = 8388608;
"""


class Unusable(Exception):
    """The journal cannot be opened now; the message says why, in words. The daemon runs without."""


class Newer(Unusable):
    """Written by a newer Sluice: nothing is touched."""


class Held(Unusable):
    """Another daemon writes it now."""


@dataclass(frozen=True, slots=True)
class Opened:
    """The one writing connection."""

    db: sqlite3.Connection
    inode: int
    corrupt: Path | None = None
    """Where the damaged file is now, if there was one."""


def is_damage(error: sqlite3.Error) -> bool:
    """True if ERROR says that the file itself is broken."""
    code = getattr(error, "sqlite_errorcode", None)
    return code is not None and code & 0xFF in _DAMAGED


def lock(folder: Path) -> int:
    """Make FOLDER private and take its lock; return the descriptor that holds it. Raises Unusable."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = folder.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
            raise Unusable(phrase("trouble.not_yours", folder=str(folder)))
        if found.st_mode & 0o077:
            folder.chmod(0o700)
        fd = os.open(folder / "journal.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise Unusable(phrase("trouble.unusable", place=str(folder), why=str(error.strerror))) from error
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(fd)
        raise Held(phrase("trouble.another", folder=str(folder))) from error
    except OSError as error:
        os.close(fd)
        raise Unusable(phrase("trouble.unusable", place=str(folder), why=str(error.strerror))) from error
    return fd


def peek(folder: Path) -> list[tuple[str, str, str]]:
    """What is remembered, read beside another daemon that writes: (kind, key, value). Nothing if it cannot be read."""
    db = None
    try:
        db = sqlite3.connect(f"{(folder / FILE).absolute().as_uri()}?mode=ro", uri=True)
        return db.execute(sql.REMEMBERED).fetchall()
    except sqlite3.Error:
        return []
    finally:
        if db is not None:
            db.close()


def open_database(folder: Path, now: float, *, damaged: bool = False, mend: bool = True) -> Opened:
    """Open, check and migrate; put a file aside that is damaged, or known to be. Raises Unusable, Newer.

    With MEND false a damaged file stays where it is, and is Unusable.
    """
    path = folder / FILE
    try:
        try:
            if not damaged:
                return _opened(path, None)
        except sqlite3.Error as error:
            if not is_damage(error) or not mend:
                raise
        corrupt = quarantine(path, now)
        opened = _opened(path, corrupt)
        # Rows saved from the old file keep their numbers: new ones begin far above, at the milliseconds of now.
        opened.db.execute("INSERT INTO sqlite_sequence (name, seq) VALUES ('calls', ?)", (int(now * 1000),))
        return opened
    except (sqlite3.Error, OSError) as error:
        raise Unusable(phrase("trouble.unwritable", file=str(path), why=str(error))) from error


def _opened(path: Path, corrupt: Path | None) -> Opened:
    _create(path)
    _refuse_newer(path)
    doubtful = path.stat().st_size <= QUICK or _size(path.with_name(path.name + "-wal")) > 0
    db = sqlite3.connect(path, isolation_level=None)
    try:
        db.executescript(_PRAGMAS)
        if doubtful:
            verdict = db.execute("PRAGMA quick_check(1)").fetchone()[0]
            if verdict != "ok":
                raise _damage(verdict)
        migrate(db, path)
        return Opened(db, path.stat().st_ino, corrupt)
    except BaseException:
        db.close()
        raise


def _refuse_newer(path: Path) -> None:
    """Raise Newer, before anything could write: even a pragma changes the header."""
    db = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
    try:
        version = db.execute("PRAGMA user_version").fetchone()[0]
    finally:
        db.close()
    if version > len(schema()):
        raise Newer(phrase("trouble.newer", file=str(path), theirs=version, ours=len(schema())))


class Lookout:
    """Sees whether a file is still the one that was opened, and still a database.

    Its descriptor stays open as long as the file has its name: when a process closes any descriptor of a file, POSIX
    drops all locks that it holds on it (fcntl(2)), and SQLite's are such locks. Whoever opens the file then with
    another program believes to be alone, and deletes the write-ahead log with what is in it.
    """

    def __init__(self) -> None:
        self._fd = -1
        self._inode = -1

    def is_there(self, path: Path, inode: int) -> bool:
        """True if PATH is the file INODE, and begins as a database."""
        try:
            if path.stat().st_ino != inode:
                return False
            if self._inode != inode:
                self._leave()  # that file has lost its name: nobody else can open it
                self._fd, self._inode = os.open(path, os.O_RDONLY | os.O_CLOEXEC), inode
            return os.pread(self._fd, 16, 0) == b"SQLite format 3\0"
        except OSError:
            return False

    def close(self) -> None:
        """The end: SQLite has closed the file before."""
        self._leave()
        self._inode = -1

    def _leave(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


def _create(path: Path) -> None:
    """Make the file with mode 0600 before SQLite makes it with another one."""
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _damage(verdict: str) -> sqlite3.DatabaseError:
    error = sqlite3.DatabaseError(f"the journal is damaged: {verdict}")
    error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
    return error


@cache
def schema() -> list[str]:
    """The migrations, oldest first, from data/journal.sql."""
    text = (Path(__file__).parents[1] / "data" / "journal.sql").read_text("utf-8")
    return re.split(r"(?m)^-- version \d+$", text)[1:]


def migrate(db: sqlite3.Connection, path: Path, steps: list[str] | None = None) -> None:
    """Bring the schema up to date, each step in its own transaction; an older file is copied first."""
    steps = schema() if steps is None else steps
    version = db.execute("PRAGMA user_version").fetchone()[0]
    if 0 < version < len(steps):
        _copy(db, path.with_name(f"{path.name}.before-version-{len(steps)}"))
    for number, step in enumerate(steps[version:], version + 1):
        try:
            db.executescript(f"BEGIN IMMEDIATE;\n{step}\nPRAGMA user_version = {number};\nCOMMIT;")
        except BaseException:
            if db.in_transaction:
                db.execute("ROLLBACK")
            raise


def _copy(db: sqlite3.Connection, to: Path) -> None:
    """A whole copy of the database, private like itself."""
    to.unlink(missing_ok=True)
    _create(to)  # VACUUM INTO takes an empty file, and leaves its mode
    db.execute("VACUUM INTO ?", (str(to),))


def quarantine(path: Path, now: float) -> Path:
    """Move a damaged file and its side files away; return its new place. Keeps the newest two."""
    stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime(now)) + f"-{int(now * 1000) % 1000:03d}"
    aside = path.with_name(f"journal.corrupt-{stamp}.db")
    for end in SIDE_FILES:
        with suppress(FileNotFoundError):
            path.with_name(path.name + end).replace(aside.with_name(aside.name + end))
    for old in sorted(path.parent.glob("journal.corrupt-*.db"))[:-KEEP_CORRUPT]:
        for end in SIDE_FILES:
            old.with_name(old.name + end).unlink(missing_ok=True)
    return aside
