"""The demo, whole: it is short enough."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from daemon.cli import demo
from daemon.errors import Refusal


@pytest.mark.e2e
def test_the_demo(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A burst that is paced without a loss, three failures explained with their curl commands, one replayed."""
    monkeypatch.setattr(demo, "BURST", 6)
    monkeypatch.setattr(demo, "PER_MINUTE", 3)
    monkeypatch.setattr(demo, "MINUTE_S", 1.0)
    done = run("demo")
    assert done.code == 0, done.out + done.err
    assert "6 of 6 answered, 0 lost" in done.out
    assert done.out.count("In the editor's echo area:") == 3
    assert done.out.count("curl -q") >= 3
    assert ("HTTP/1.1 429" in done.out) or shutil.which("curl") is None


def test_the_demo_under_any_umask(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Its configuration is one that the daemon takes, also where new files are writable for the group."""

    @contextlib.contextmanager
    def child(arguments: list[str]) -> Iterator[str]:
        yield ""

    monkeypatch.setattr(demo, "_child", child)
    before = os.umask(0)
    try:
        with demo._daemon(tmp_path, "http://127.0.0.1:1"):
            assert (tmp_path / "config.yaml").stat().st_mode & 0o777 == 0o600
    finally:
        os.umask(before)


def test_a_child_that_does_not_start() -> None:
    """It is said which one."""
    with pytest.raises(Refusal, match="could not start"), demo._child(["-c", "pass"]):
        pass
