"""What tests of the journal say in a few words: record this, and wait for the disk."""

from __future__ import annotations

import asyncio

from daemon.journal import Journal
from daemon.model import Event


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
