"""Notifications on the desktop."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from daemon import desktop

EVIL = "--help $(touch evil) `id` '\"; 90 % used"


def program(folder: Path, name: str, script: str) -> None:
    """A program NAME in FOLDER."""
    file = folder / name
    file.write_text(f"#!{sys.executable}\n{script}\n")
    file.chmod(0o755)


async def test_words_are_an_argument(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The words come whole and run nothing, whatever they are."""
    out = tmp_path / "out"
    program(tmp_path, "notify-send", f"import sys; open({str(out)!r}, 'w').write('\\n'.join(sys.argv[1:]))")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "platform", "linux")
    assert await desktop.show(EVIL)
    assert out.read_text().split("\n") == ["--app-name=Sluice", "--", "Sluice", EVIL]


async def test_without_a_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing can show it, nothing breaks; a program that fails is no success."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "platform", "linux")
    assert not await desktop.show("words")
    program(tmp_path, "notify-send", "raise SystemExit(3)")
    assert not await desktop.show("words")


def test_on_macos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The script is fixed; the words are its argument."""
    program(tmp_path, "osascript", "")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "platform", "darwin")
    found = desktop.command(EVIL)
    assert found is not None
    assert found[-1] == EVIL
    assert EVIL not in " ".join(found[:-1])
