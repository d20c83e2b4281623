"""daemon/process.py: the parts of the process that are no part of a call."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import socket
import subprocess
import sys
import types
from pathlib import Path
from typing import Any

import pytest

from daemon import process
from daemon.errors import ConfigError

ROOT = Path(__file__).resolve().parents[1]


def test_install_secret(tmp_path: Path) -> None:
    """Made once, for us alone, and kept; a damaged one is made anew; what cannot be used is a clear error."""
    file = tmp_path / "secret"
    first = process.install_secret(file)
    assert len(first) == 32
    assert file.stat().st_mode & 0o777 == 0o600
    assert process.install_secret(file) == first
    file.write_bytes(b"short")
    assert process.install_secret(file) != first
    file.unlink()
    file.mkdir()
    with pytest.raises(ConfigError, match="cannot be"):
        process.install_secret(file)
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ConfigError, match="cannot be"):
        process.install_secret(tmp_path / "link")
    assert not (tmp_path / "elsewhere").exists()


def test_a_secret_that_is_a_link(tmp_path: Path) -> None:
    """It is not taken, though what is at its other end could be one: somebody may know it."""
    (tmp_path / "known").write_bytes(b"k" * 32)
    (tmp_path / "secret").symlink_to(tmp_path / "known")
    with pytest.raises(ConfigError, match="cannot be"):
        process.install_secret(tmp_path / "secret")
    assert (tmp_path / "known").read_bytes() == b"k" * 32


@pytest.mark.skipif(sys.platform != "linux", reason="asks prctl, which only Linux has")
def test_memory_is_kept_private() -> None:
    """A process that could write a core file and be read by others of its user can do neither afterwards."""
    code = """
import ctypes, resource
from daemon.process import keep_memory_private
def state():
    return ctypes.CDLL(None).prctl(3, 0, 0, 0, 0), resource.getrlimit(resource.RLIMIT_CORE)  # PR_GET_DUMPABLE = 3
hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
print(state()[0], state()[1] == (hard, hard))
keep_memory_private()
print(*state())
"""
    told = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert told.splitlines() == ["1 True", "0 (0, 0)"]


async def test_the_loop_does_not_flood_the_log(caplog: Any) -> None:
    """The same trouble a thousand times is one line a second; another trouble is another line."""
    quiet = process.QuietLoop()
    loop = asyncio.get_running_loop()
    with caplog.at_level(logging.ERROR, logger="sluice"):
        for _ in range(1000):
            quiet(loop, {"message": "out of descriptors", "exception": OSError()})
        quiet(loop, {"message": "something else"})
    assert len(caplog.records) == 2


def test_uvloop_is_used_where_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without it, and with one so old that it has no `run`, asyncio does the same."""
    monkeypatch.setitem(sys.modules, "uvloop", None)
    assert process.loop_runner() is asyncio.run
    monkeypatch.setitem(sys.modules, "uvloop", types.ModuleType("uvloop"))
    assert process.loop_runner() is asyncio.run
    quick = types.SimpleNamespace(run=lambda main: None)
    monkeypatch.setitem(sys.modules, "uvloop", quick)
    assert process.loop_runner() is quick.run


def test_debugging_is_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """asyncio's own debugging, which shows what a slow step had in its hands, can be kept off."""
    monkeypatch.setitem(sys.modules, "uvloop", None)
    monkeypatch.setenv("PYTHONASYNCIODEBUG", "1")
    told: list[bool] = []

    async def look() -> None:
        told.append(asyncio.get_running_loop().get_debug())

    process.loop_runner()(look(), debug=False)
    assert told == [False]


async def test_used_up_descriptors_are_told_in_one_line(caplog: Any) -> None:
    """Once a minute, in words, without a traceback: it may last, and is no fault in the code."""
    quiet = process.QuietLoop()
    loop = asyncio.get_running_loop()
    with caplog.at_level(logging.ERROR, logger="sluice"):
        for _ in range(100):
            quiet(loop, {"message": "socket.accept()", "exception": OSError(errno.EMFILE, "Too many open files")})
    assert len(caplog.records) == 1
    assert "LimitNOFILE" in caplog.records[0].getMessage()
    assert caplog.records[0].exc_info is None


def test_a_listener_that_is_closed_while_asyncio_waits(caplog: Any) -> None:
    """After descriptors ran out asyncio listens again a second later, also on a socket that is closed by then: nothing
    is told. The same error of something else is."""
    loop: Any = asyncio.SelectorEventLoop()
    loop.set_exception_handler(process.QuietLoop())
    listener = socket.socket()
    listener.close()

    def turn(call: Any, *given: Any) -> list[Any]:
        """What is told when CALL is made by the loop."""
        loop.call_soon(call, *given)
        loop.call_soon(loop.stop)
        loop.run_forever()
        return caplog.records

    with contextlib.closing(loop), caplog.at_level(logging.ERROR, logger="sluice"):
        assert not turn(loop._start_serving, asyncio.Protocol, listener)
        assert len(turn(loop.add_reader, -1, print)) == 1


def test_connections_that_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two descriptors for each, and some for ourselves; never so few that nobody is served."""
    soft = 4096
    monkeypatch.setattr(process.resource, "getrlimit", lambda what: (soft, soft))
    assert process.connections_that_fit(256) == 256
    soft = 64
    assert process.connections_that_fit(256) == 16
    assert process.connections_that_fit(256, ways=2) == 8
    soft = 20
    assert process.connections_that_fit(256) == 4
    soft = process.resource.RLIM_INFINITY
    assert process.connections_that_fit(256) == 256


def test_the_limit_of_open_files_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    """To 4096 or what the system allows, never lowered, and a system that refuses is no reason not to start."""
    asked: list[tuple[int, int]] = []
    limits = (256, 1024)
    monkeypatch.setattr(process.resource, "getrlimit", lambda what: limits)
    monkeypatch.setattr(process.resource, "setrlimit", lambda what, wanted: asked.append(wanted))
    process.raise_file_limit()
    limits = (1024, process.resource.RLIM_INFINITY)
    process.raise_file_limit()
    limits = (9999, 9999)
    process.raise_file_limit()
    assert asked == [(1024, 1024), (4096, process.resource.RLIM_INFINITY)]

    def refuse(*given: Any) -> None:
        raise ValueError

    limits = (256, 1024)
    monkeypatch.setattr(process.resource, "setrlimit", refuse)
    process.raise_file_limit()


def test_threads_give_way() -> None:
    """The loop gets the interpreter back ten times sooner than Python would give it."""
    before = sys.getswitchinterval()
    try:
        process.give_way_to_calls()
        assert sys.getswitchinterval() == pytest.approx(0.0005)
    finally:
        sys.setswitchinterval(before)


def test_memory_is_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the C library, where it can; where it cannot, nothing happens."""
    asked: list[int] = []
    monkeypatch.setattr(process.ctypes, "CDLL", lambda name: types.SimpleNamespace(malloc_trim=asked.append))
    monkeypatch.setattr(process.sys, "platform", "linux")
    process.give_back_memory()
    monkeypatch.setattr(process.sys, "platform", "darwin")
    process.give_back_memory()
    monkeypatch.setattr(process.sys, "platform", "linux")
    monkeypatch.setattr(process.ctypes, "CDLL", lambda name: object())
    process.give_back_memory()
    assert asked == [0]
