"""The thread that writes the log: nobody waits for it, and nothing is lost by it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from daemon.log import later as module
from daemon.log.later import Later, record_of

LOGGER = logging.getLogger("sluice.later")


class Paper:
    """Where lines go: `writes` are the lists that came together. While `still` is set it takes nothing."""

    def __init__(self) -> None:
        self.writes: list[list[str]] = []
        self.may = threading.Event()
        self.may.set()
        self.asked = threading.Event()

    def write_all(self, lines: Sequence[str]) -> None:
        """Take LINES."""
        self.asked.set()
        self.may.wait(30)
        assert all(line.endswith("\n") for line in lines)
        self.writes.append([line.removesuffix("\n") for line in lines])

    @property
    def lines(self) -> list[str]:
        """All, in order."""
        return [line for lines in self.writes for line in lines]


@pytest.fixture
def paper() -> Iterator[Paper]:
    """Where the lines of LOGGER go, by way of `paper.later`."""
    made = Paper()
    made.later = Later([made])  # type: ignore[attr-defined]
    LOGGER.addHandler(made.later)  # type: ignore[attr-defined]
    LOGGER.setLevel(logging.INFO)
    yield made
    LOGGER.removeHandler(made.later)  # type: ignore[attr-defined]
    made.may.set()
    made.later.close()  # type: ignore[attr-defined]
    LOGGER.setLevel(logging.NOTSET)


def test_many_lines_are_one_write(paper: Any) -> None:
    """They stay in order, and those that come together are written together."""
    for number in range(100):
        LOGGER.info("%d", number)
    paper.later.flush()
    assert paper.lines == [str(number) for number in range(100)]
    assert len(paper.writes) < 20


def test_a_warning_does_not_wait(paper: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A warning, and what was logged before it, is written at once; what is no warning waits for company."""
    monkeypatch.setattr(module, "LINGER_S", 30.0)
    LOGGER.info("first")
    LOGGER.warning("now")
    assert paper.asked.wait(10)
    paper.later.flush()
    assert paper.lines == ["first", "now"]


def test_who_logs_does_not_wait_for_paper(paper: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """While nothing is taken lines wait in memory; those beyond the bound are counted, and it is said how many."""
    monkeypatch.setattr(module, "MOST", 10)
    paper.may.clear()
    LOGGER.warning("taken")
    assert paper.asked.wait(10)
    for number in range(15):
        LOGGER.info("%d", number)
    paper.may.set()
    paper.later.flush()
    assert paper.lines[:11] == ["taken", *map(str, range(10))]
    assert "missing here: 5;" in paper.lines[11]


def test_the_end_does_not_wait_for_paper_without_end(paper: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """`flush` and `close` give up; a second `close`, and a `flush` after it, do nothing."""
    monkeypatch.setattr(module, "END_S", 0.01)
    paper.may.clear()
    LOGGER.warning("never")
    paper.later.flush()
    paper.later.close()
    paper.later.close()
    paper.later.flush()
    assert paper.lines == []


def test_what_is_left_is_written_at_the_end(paper: Any) -> None:
    """`close` writes what waits."""
    LOGGER.info("last")
    paper.later.close()
    assert paper.lines == ["last"]


def test_what_is_logged_is_what_it_was_then(paper: Any) -> None:
    """What changes before it is written does not change its line."""
    changes = ["first"]
    LOGGER.info("%s %s", "a", changes)
    changes.append("second")
    paper.later.flush()
    assert paper.lines == ["a ['first']"]


def test_a_line_that_cannot_be_made_harms_nobody(paper: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mistake in a log line is no mistake in a call, and the next line is written."""
    monkeypatch.setattr(logging, "raiseExceptions", False)

    def tear(record: logging.LogRecord) -> str:
        raise RuntimeError

    with monkeypatch.context() as torn:
        torn.setattr(paper.later, "format", tear)
        LOGGER.warning("lost")
    LOGGER.warning("kept")
    paper.later.flush()
    assert paper.lines == ["kept"]


def test_paper_that_tears_does_not_end_it(paper: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A target that raises is asked again with the next lines."""
    write_all = paper.write_all

    def tear(lines: Sequence[str]) -> None:
        raise RuntimeError

    paper.write_all = tear
    LOGGER.info("lost")
    paper.later.flush()
    paper.write_all = write_all
    LOGGER.info("kept")
    paper.later.flush()
    assert paper.lines == ["kept"]


def test_what_is_said_at_any_level(paper: Any) -> None:
    """A record that was made past the logger's level is written as its other lines are."""
    LOGGER.setLevel(logging.ERROR)
    LOGGER.info("not asked for")
    LOGGER.handle(record_of(LOGGER, logging.INFO, "100% of it"))
    paper.later.flush()
    assert paper.lines == ["100% of it"]
