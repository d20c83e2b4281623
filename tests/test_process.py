"""daemon/process.py: the parts of the process that are no part of a call."""

from __future__ import annotations

import asyncio
import logging
import sys
import types
from pathlib import Path
from typing import Any

import pytest

from daemon import process
from daemon.errors import ConfigError


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


async def test_the_loop_does_not_flood_the_log(caplog: Any) -> None:
    """The same trouble a thousand times is one line a second; another trouble is another line."""
    quiet = process.QuietLoop()
    loop = asyncio.get_running_loop()
    with caplog.at_level(logging.ERROR, logger="sluice"):
        for _ in range(1000):
            quiet(loop, {"message": "out of descriptors", "exception": OSError()})
        quiet(loop, {"message": "something else"})
    assert len(caplog.records) == 2


def test_only_our_own_socket_is_removed(tmp_path: Path) -> None:
    """A newer daemon's socket at the same place stays."""
    file = tmp_path / "s"
    file.write_text("old")
    inode = file.stat().st_ino
    keeper = tmp_path / "keeper"
    file.rename(keeper)  # so that the number is not given again
    file.write_text("new")
    process.unlink_own(file, inode)
    assert file.read_text() == "new"
    process.unlink_own(file, file.stat().st_ino)
    assert not file.exists()
    process.unlink_own(file, inode)


def test_uvloop_is_used_where_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without it, and with one so old that it has no `run`, asyncio does the same."""
    monkeypatch.setitem(sys.modules, "uvloop", None)
    assert process.loop_runner() is asyncio.run
    monkeypatch.setitem(sys.modules, "uvloop", types.ModuleType("uvloop"))
    assert process.loop_runner() is asyncio.run
    quick = types.SimpleNamespace(run=lambda main: None)
    monkeypatch.setitem(sys.modules, "uvloop", quick)
    assert process.loop_runner() is quick.run
