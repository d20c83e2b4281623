"""What is read ahead of its need, when nobody waits for anything else."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

AFTER_S: Final = 1.0
"""How long after the start. The first call goes first: a thread that reads would hold it up."""


async def warm(read: Callable[[], None], after_s: float = AFTER_S) -> None:
    """Let READ run in a thread, a while after the start; not at all when this is cancelled before."""
    await asyncio.sleep(after_s)
    await asyncio.to_thread(read)
