"""The reliability figures: each reaches its target in a short form; a miss shows in the table and the exit status."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks.reliability import __main__ as command
from benchmarks.reliability import f4, f6, f8, f25, f26, figure
from benchmarks.reliability.figure import Figure, count, percentile, table
from benchmarks.reliability.mutant import Mutant
from daemon.journal.database import FILE, schema


@pytest.mark.e2e
@pytest.mark.parametrize("name", figure.names())
def test_reaches_its_target_in_a_short_form(name: str) -> None:
    """What the full table promises holds for a small part of its numbers on any machine."""
    measure, short = figure.load(name)
    reached = measure(short)
    assert reached.id == name
    assert reached.ok, f"{reached.what}: wanted {reached.target}, reached {reached.reached}"


def test_a_missed_target_shows_in_the_table_and_in_the_exit_status(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One figure that is not reached makes the whole run fail, and its row says so."""
    rows = {"F1": Figure("F1", "one", "0 lost", "0 lost", ok=True), "F2": Figure("F2", "two", "0", "3", ok=False)}
    monkeypatch.setattr(command, "names", lambda: list(rows))
    monkeypatch.setattr(command, "load", lambda name: (lambda scale: rows[name], 1.0))
    assert command.main(["--only", "f1"]) == 0
    assert command.main([]) == 1
    assert "| F2 | two | 0 | 3 | **no** |" in capsys.readouterr().out


def test_a_figure_that_breaks_is_a_missed_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An exception while measuring is no reason to leave the row out."""
    monkeypatch.setattr(command, "names", lambda: ["F1"])
    monkeypatch.setattr(command, "load", lambda name: (lambda scale: 1 / 0, 1.0))
    assert command.main([]) == 1
    assert "ZeroDivisionError" in capsys.readouterr().out


def test_what_the_curl_tests_say() -> None:
    """Only shells that ran all of it count, and what could not be looked at is named."""
    output = (
        "sh: 10 requests, 0 differences\nbash: 9 requests, 0 differences\nsh: 4 requests, 0 further processes, 0\n"
        "SKIPPED [2] tests/curl/shells.py:29: zsh is missing: apt install zsh\n"
        "SKIPPED [1] tests/curl/test_traced.py:77: strace may not look at processes here: run it elsewhere\n"
    )
    assert f8.said(output, 10, 4) == (["sh"], ["sh"], ["strace may not look at processes", "zsh is missing"])


def test_what_only_root_can_measure(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nobody can become another user the figure is missed, and only a short run lets that pass; both say it."""
    monkeypatch.setattr(f4.os, "geteuid", lambda: 1000)
    whole, short = f4.measure(1.0), f4.measure(f4.SHORT)
    assert (whole.ok, short.ok) == (False, True)
    assert "NOT MEASURED" in whole.reached
    assert "NOT MEASURED" in short.reached


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc, which only Linux has")
def test_a_key_that_processes_show() -> None:
    """One in a command line is seen in whichever process, one in an environment in those that are the daemon's."""
    looks, others = f6.Looks(os.getpid()), f6.Looks(2**31)
    command = [sys.executable, "-c", "print('begun', flush=True); input()"]
    pipes: Any = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with (
        subprocess.Popen([*command, f6.KEY], **pipes) as shows,
        subprocess.Popen(command, env={"A": f6.SHAPED}, **pipes) as has,
    ):
        for child in (shows, has):
            assert child.stdout is not None
            assert child.stdout.readline() == b"begun\n"
        looks.look()
        others.look()
        for child in (shows, has):
            child.communicate(b"\n")
    assert {hit.partition(" ")[0] for hit in looks.hits} == {"cmdline", "environ"}
    assert {hit.partition(" ")[0] for hit in others.hits} == {"cmdline"}
    assert (looks.number, others.number) == (1, 0)


def test_a_test_that_fails_anyway_kills_no_mutant(tmp_path: Path) -> None:
    """The control run names a selection that is red without a mutant; a mutant that is minded, and one that is not, are
    told apart, and the tree is as before."""
    (tmp_path / "checked.py").write_text("def safe(): return True\n")
    (tmp_path / "test_a.py").write_text("import checked\ndef test_safe(): assert checked.safe()\n")
    (tmp_path / "test_b.py").write_text("def test_red(): assert False\n")
    minded = Mutant("minded", "checked.py", "True", "False", ("test_a.py",))
    unminded = Mutant("unminded", "checked.py", "True", "1", ("test_a.py",))
    broken = Mutant("red anyway", "checked.py", "True", "1", ("test_b.py",))
    assert f26.failing(tmp_path, [minded, unminded, broken]) == [("test_b.py",)]
    assert list(f26.survivors(tmp_path, [minded, unminded, broken])) == [unminded]
    assert "return True" in (tmp_path / "checked.py").read_text()
    with pytest.raises(RuntimeError, match="did not run"):
        f26.red(tmp_path, ("test_of_nothing.py",))


@pytest.mark.parametrize("version", [1, 2])
def test_a_journal_that_lost_something(tmp_path: Path, version: int) -> None:
    """A row that is gone, one that is another now, one more in the ledger and a copy without a row are all told."""
    before = f25.old(tmp_path, version)
    assert f25.whole(tmp_path, version)
    assert f25.amiss(tmp_path, before) == []
    db = sqlite3.connect(tmp_path / FILE, isolation_level=None)
    db.execute("DELETE FROM steps")
    db.execute("UPDATE calls SET state = 'done' WHERE id = 'f'")
    db.execute("UPDATE ledger SET calls = 2 * calls")
    db.close()
    db = sqlite3.connect(f"{tmp_path / FILE}.before-version-{len(schema())}", isolation_level=None)
    db.execute("DELETE FROM memory")
    db.close()
    told = f25.amiss(tmp_path, before)
    assert told[:2] == ["rows of calls", *(["rows of ledger"] if version == 2 else ["rows of steps"])]
    assert {"rows of steps", "the ledger", "rows of memory in the copy"} <= set(told)


def test_numbers() -> None:
    """Counts are never zero, percentiles are values that occurred, and F9 stands before F10."""
    assert (count(10_000, 0.001), count(5, 0.001), count(10_000, 1.0)) == (10, 1, 10_000)
    assert (percentile([3, 1, 2], 0.5), percentile([1, 2], 0.99), percentile([], 0.99)) == (2, 2, 0.0)
    assert figure.names() == sorted(figure.names(), key=lambda name: int(name[1:]))
    assert table([]).count("\n") == 1
