"""`daemon report` without a daemon, from the journal that it left."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.scripted import KEY, no_credit, ok
from operations.office import Office


@pytest.fixture
async def journal(home: Path) -> None:
    """A journal with a good and a failed call."""
    here = Office(home / "state", ok(), no_credit())
    here.journal.start()
    await here.world.send()
    await here.world.send()
    await here.world.pacer.close()
    here.hub.close()
    here.journal.close()


def test_report(journal: None, run: Callable[..., Any]) -> None:
    """The text of the failed call, in the language asked for, without its key."""
    done = run("report", "last-failed")
    assert done.code == 0
    assert done.out.startswith("# OpenAI: No credit left (HTTP 429)")
    assert "minute before: 1" in done.out
    assert KEY not in done.out
    assert "크레딧이 없어요" in run("report", "last-failed", "--language", "ko").out


def test_a_report_is_english_and_says_so(
    journal: None, run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Support reads it, so it is English on a Korean system, too; a line beside it says so, and how to have it else."""
    english = run("report", "last-failed")
    assert english.err == ""
    monkeypatch.setenv("SLUICE_LANGUAGE", "ko")
    done = run("report", "last-failed")
    assert done.out == english.out
    assert done.err.startswith("이 보고서는 제공자의 고객 지원이 읽을 글이라 영어로 썼어요. --language ko")
    assert run("report", "last-failed", "--language", "ko").err == ""


def test_explain_in_another_language(journal: None, run: Callable[..., Any]) -> None:
    """An old explanation is told again in the language asked for, with its evidence."""
    done = run("explain", "last-failed", "--language", "zh")
    assert done.out.startswith("没有余额了")
    assert "insufficient_quota" in done.out


def test_a_success(home: Path, run: Callable[..., Any], journal: None) -> None:
    """A call that went well is no report, and the line says what to do."""
    rows = run("calls").out.splitlines()
    good = rows[-1].split()[0]
    done = run("report", good)
    assert done.code == 1
    assert "daemon calls --failed" in done.err
