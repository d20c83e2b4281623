"""`daemon serve`: the daemon in the foreground."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from daemon.app import Taken
from daemon.cli import main


@pytest.mark.parametrize(
    ("arguments", "folder"),
    [((), "state"), (("--sandbox",), "sandbox"), (("--sandbox", "--state-dir", "/elsewhere"), "elsewhere")],
)
def test_the_sandbox_counts_in_a_folder_of_its_own(
    arguments: tuple[str, ...], folder: str, monkeypatch: pytest.MonkeyPatch, home: Path
) -> None:
    """What costs nothing is in no budget and in no list of real calls; whoever names a folder gets that one."""
    asked: list[Any] = []
    monkeypatch.setattr("daemon.app.serve", lambda places, **more: asked.append(places) or 0)
    assert main(arguments) == 0
    assert asked[0].state_dir.name == folder


def test_a_sandbox_in_the_way_is_named(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who starts the real daemon beside it is told that what runs is none."""

    def _taken(*given: object, **more: object) -> int:
        raise Taken("a daemon runs already")

    monkeypatch.setattr("daemon.app.serve", _taken)
    for sandbox in (True, False):
        monkeypatch.setattr("daemon.cli.client.ask", lambda *given, s=sandbox, **more: {"daemon": {"sandbox": s}})
        done = run("serve")
        assert done.code == 3
        assert ("sandbox" in done.err) is sandbox
