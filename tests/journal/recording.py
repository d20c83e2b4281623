"""What tests of the journal say in a few words: a writer, record this, and wait for the disk."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from daemon.journal import Journal
from daemon.journal.bodies import Bodies
from daemon.journal.memory import Remembered
from daemon.journal.rows import Keeping, Rows
from daemon.journal.writer import Writer
from daemon.model import Event
from daemon.redact import Redactor


def make_writer(folder: Path, redactor: Redactor, **more: Any) -> Writer:
    """A writer that has not been started."""
    return Writer(folder, Rows(redactor, Keeping(), Bodies(folder)), Remembered(), linger_s=0.0, **more)


async def recorded(journal: Journal, events: list[Event]) -> None:
    """Record EVENTS and wait for the disk."""
    for event in events:
        journal.record(event)
    assert await journal.flush()


async def until_ok(journal: Journal) -> bool:
    """Wait until what is recorded is on disk again (the journal tries every 20 ms)."""
    for _ in range(200):
        if await journal.flush():
            return True
        await asyncio.sleep(0.01)
    return False
