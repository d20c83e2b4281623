"""Reading ahead: after a while, beside the event loop, and not for a daemon that ends before."""

from __future__ import annotations

import asyncio
import threading

import pytest

from daemon.app.warming import AFTER_S, warm


async def test_it_reads_beside_the_loop() -> None:
    """In another thread, so that calls go on meanwhile."""
    threads: list[int] = []
    await warm(lambda: threads.append(threading.get_ident()), 0.0)
    assert threads
    assert threads[0] != threading.get_ident()


async def test_not_before_its_time() -> None:
    """The first call is not disturbed, and a daemon that is stopped at once does not wait for what nobody will need."""
    read: list[int] = []
    warming = asyncio.create_task(warm(lambda: read.append(1)))
    await asyncio.sleep(0)
    assert AFTER_S >= 0.5
    assert not read
    warming.cancel()
    with pytest.raises(asyncio.CancelledError):
        await warming
    assert not read
