"""The lines that the daemon prints when it is ready: whoever pastes one must not have to mend it."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path

import pytest

from daemon.cli import ready
from daemon.cli.ready import curl_line, emacs_line, lisp_string, program, ready_lines

ODD = Path('/run/a b/it\'s "odd" \\ $(x)/s')


def test_one_line_says_that_it_is_ready() -> None:
    """Programs wait for this line; a path cannot forge another one."""
    assert ready_lines(Path("/run/s"), sandbox=False) == ["sluice ready: unix:/run/s"]
    assert ready_lines(Path("/run/\x1b[2J"), sandbox=False) == ["sluice ready: unix:/run/�[2J"]


def test_the_sandbox_shows_three_things_to_try() -> None:
    """A curl call, gptel, and an explanation."""
    lines = ready_lines(Path("/run/s"), sandbox=True)
    assert lines[0] == "sluice ready: unix:/run/s"
    assert [line.split()[0] for line in lines if line.startswith(("curl", "emacs"))] == ["curl", "emacs"]
    assert " explain --text " in lines[-1]


def test_odd_paths_survive_the_shell_and_lisp() -> None:
    """Blanks, quotes, backslashes and dollars in a socket's path stay what they are."""
    words = shlex.split(curl_line(ODD))
    assert words[words.index("--unix-socket") + 1] == str(ODD)
    assert json.loads(words[-1])["model"] == "gpt-4o-mini"
    lisp = shlex.split(emacs_line(ODD))[-1]
    assert '"/run/a b/it\'s \\"odd\\" \\\\ $(x)/s"' in lisp
    assert lisp_string('a"\\') == '"a\\"\\\\"'


def test_without_the_elisp_of_a_checkout(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Installed from a package there is no elisp beside us: then Emacs has its own, and no wrong path is printed."""
    assert " -L " in emacs_line(ODD)
    monkeypatch.setattr(ready, "__file__", str(tmp_path / "daemon" / "cli" / "ready.py"))
    assert " -L " not in emacs_line(ODD)


def test_how_to_run_us_from_elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As we were started; by the script beside Python; as a module. Never by another program called `daemon`."""
    for name in ("daemon", "sluice", "python"):
        (tmp_path / name).write_text("")
    monkeypatch.setattr(sys, "argv", [str(tmp_path / "daemon")])
    assert program() == str(tmp_path / "daemon")
    monkeypatch.setattr(sys, "argv", [str(tmp_path / "__main__.py")])
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    assert program() == str(tmp_path / "sluice")
    (tmp_path / "sluice").unlink()
    assert program() == f"{tmp_path / 'python'} -m daemon"
