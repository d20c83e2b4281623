"""Reading ahead: after a while, beside the event loop, and not for a daemon that ends before."""

from __future__ import annotations

import asyncio
import sys
import threading
from types import SimpleNamespace

import pytest

from daemon.app.application import App
from daemon.app.warming import AFTER_S, warm
from daemon.explain import Catalogue


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


def test_what_repeats_and_reports_a_call_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ahead of its need, since there may be no file descriptor left to read it with then. And kept answers that are too
    old are deleted, also if the cache is off and nobody will use it."""
    rooms = ("daemon.curl.forms", "daemon.explain.report")
    for name in rooms:
        monkeypatch.delitem(sys.modules, name, raising=False)
    cleared: list[str] = []
    cache = SimpleNamespace(expire=lambda: cleared.append("cache"))
    App._warm(SimpleNamespace(_catalogue=Catalogue.load(), _cache=cache))  # type: ignore[arg-type]
    assert set(rooms) <= set(sys.modules)
    assert cleared == ["cache"]
