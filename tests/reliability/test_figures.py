"""The reliability figures: each reaches its target in a short form; a miss shows in the table and the exit status."""

from __future__ import annotations

import pytest

from benchmarks.reliability import __main__ as command
from benchmarks.reliability import f8, figure
from benchmarks.reliability.figure import Figure, count, percentile, table


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


def test_numbers() -> None:
    """Counts are never zero, percentiles are values that occurred, and F9 stands before F10."""
    assert (count(10_000, 0.001), count(5, 0.001), count(10_000, 1.0)) == (10, 1, 10_000)
    assert (percentile([3, 1, 2], 0.5), percentile([1, 2], 0.99), percentile([], 0.99)) == (2, 2, 0.0)
    assert figure.names() == sorted(figure.names(), key=lambda name: int(name[1:]))
    assert table([]).count("\n") == 1
