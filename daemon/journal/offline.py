"""Deleting while no daemon runs: under the same lock, so that none can begin to write meanwhile."""

from __future__ import annotations

import os
import sqlite3
import time
from pathlib import Path

from daemon.errors import NotFound
from daemon.journal import statements as sql
from daemon.journal.bodies import Bodies
from daemon.journal.database import FILE, Unusable, lock, open_database
from daemon.journal.forgetting import Forgotten, Which, forget
from daemon.phrases import phrase


def forget_offline(folder: Path, which: Which) -> Forgotten:
    """Delete calls from the journal in FOLDER, also those that a crash left open: the lock says that no daemon runs.
    Raises NotFound when there is none, or when it cannot be written."""
    if not (folder / FILE).is_file():
        raise NotFound(phrase("journal.none", folder=str(folder)))
    try:
        held = lock(folder)
        try:
            db = open_database(folder, time.time(), mend=False).db
            try:
                db.execute(sql.INTERRUPTED, ("[]",))
                return forget(db, Bodies(folder), which)
            finally:
                db.close()
        finally:
            os.close(held)
    except (Unusable, sqlite3.Error) as error:
        raise NotFound(phrase("journal.unwritable", why=error.args[0])) from None
