"""Where the log goes, whatever happens there."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from daemon import log
from daemon.phrases import phrase
from daemon.redact import Redactor

REDACTOR = Redactor(b"test")
KEY_SHAPED = "sk-" + "a1" * 20


class Kept:
    """The log file, read when all that was logged is in it."""

    def __init__(self, file: Path, output: log.Output) -> None:
        self.file, self.output = file, output

    def __getattr__(self, name: str) -> Any:
        self.output.flush()
        return getattr(self.file, name)


@pytest.fixture
def set_up(tmp_path: Path) -> Iterator[Any]:
    """`set_up(style)` logs to stderr and a file, and is undone."""
    made: list[log.Output] = []
    before = logging.getLogger().level, logging.getLogger("sluice").level, logging.raiseExceptions

    def do(style: str = "text", **more: Any) -> Kept:
        file = tmp_path / "log" / "sluice.log"
        values: dict[str, Any] = {"level": "info", "file": file, "max_bytes": 1 << 20, "keep": 2}
        made.append(log.set_up(REDACTOR, style=style, **{**values, **more}))
        return Kept(file, made[-1])

    yield do
    for output in made:
        log.take_down(output)
    logging.getLogger().setLevel(before[0])
    logging.getLogger("sluice").setLevel(before[1])
    logging.raiseExceptions = before[2]


def broken() -> None:
    """Log an exception that holds something shaped like a key."""
    try:
        raise RuntimeError(f"with {KEY_SHAPED}")
    except RuntimeError:
        logging.getLogger("sluice.test").exception("it broke: %s", KEY_SHAPED)


def test_words_in_the_language_of_the_person(set_up: Any) -> None:
    """A phrase is told in it, also as a value; what is no phrase, a library's words and a traceback, stays."""
    file = set_up(language="ko")
    log = logging.getLogger("sluice.test")
    log.info(phrase("log.draining", n=3, seconds=20.0))
    log.warning("%s", phrase("waits.turn"))
    log.info("100%")
    logging.getLogger("asyncio").warning("a library says %d", 7)
    broken()
    lines = file.read_text().splitlines()
    assert lines[0].endswith(
        " info    종료해요. 새 요청은 받지 않고, 진행 중인 3건을 20초까지 기다려요(한 번 더 멈추면 바로 끊어요)"
    )
    assert [line.split(maxsplit=3)[3] for line in lines[1:4]] == ["차례", "100%", "a library says 7"]
    assert "Traceback (most recent call last):" in lines


def test_a_second_has_a_thousand_milliseconds(set_up: Any) -> None:
    """The last half millisecond of a second is not told as its thousandth."""
    file = set_up()
    record = logging.makeLogRecord({"name": "sluice.test", "levelno": 20, "levelname": "INFO", "msg": "late"})
    record.created, record.msecs = 1_000_000_000.9997, 999.7
    logging.getLogger("sluice.test").handle(record)
    assert file.read_text().split()[1].endswith(".999")


def test_json_is_english(set_up: Any) -> None:
    """What programs read does not change with the language of the person."""
    file = set_up("json", language="ko")
    logging.getLogger("sluice.test").info(phrase("log.stopping"))
    logging.getLogger("sluice.test").info("%s", phrase("waits.turn"))
    assert [json.loads(line)["text"] for line in file.read_text().splitlines()] == ["stopping", "its turn"]


def test_text_style(set_up: Any, capsys: Any) -> None:
    """The same lines on stderr and in the file, with time and level, and tracebacks without keys."""
    file = set_up()
    logging.getLogger("sluice.test").info("hello %s", "there")
    logging.getLogger("sluice.test").debug("not this")
    broken()
    text = file.read_text()
    assert text == capsys.readouterr().err
    assert " info    hello there\n" in text
    assert "Traceback" in text
    assert "not this" not in text
    assert KEY_SHAPED not in text
    assert file.stat().st_mode & 0o077 in (0, 0o044)
    assert file.parent.stat().st_mode & 0o077 in (0, 0o055)


@pytest.mark.parametrize("style", ["text", "json"])
def test_a_key_that_looks_like_nothing(set_up: Any, style: str) -> None:
    """A key of a local server has no shape: exceptions and warnings are searched for the last keys themselves."""
    key = "CANARY-plain-words-of-a-local-server"
    REDACTOR.secret(key)
    file = set_up(style)
    logging.getLogger("sluice.test").warning("the server said %s", key)
    try:
        raise RuntimeError(f"with {key}")
    except RuntimeError:
        logging.getLogger("sluice.test").exception("it broke")
    assert "the server said" in file.read_text()
    assert "RuntimeError" in file.read_text()
    assert key not in file.read_text()


def test_json_style(set_up: Any) -> None:
    """One JSON object a line, with the traceback in it, without keys."""
    file = set_up("json")
    logging.getLogger("sluice.test").warning("hello")
    broken()
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    assert [row["level"] for row in rows] == ["warning", "error"]
    assert rows[0]["text"] == "hello"
    assert "RuntimeError" in rows[1]["traceback"]
    assert KEY_SHAPED not in file.read_text()


def test_a_terminal_that_stands_still_holds_up_nobody(tmp_path: Path) -> None:
    """Stderr is a pipe that nobody reads: whoever logs goes on, the file gets all lines, and the program ends."""
    script = (
        "import logging, sys; from pathlib import Path; from daemon import log; from daemon.redact import Redactor\n"
        "log.later.END_S = 0.5\n"
        "made = log.set_up(Redactor(b'x'), style='text', level='info', file=Path(sys.argv[1]), max_bytes=0, keep=1)\n"
        "made.targets.reverse()\n"
        "for n in range(3000): logging.getLogger('sluice.test').info('%d %s', n, 'x' * 100)\n"
        "log.take_down(made)\n"
        "print('ended', flush=True)\n"
    )
    file, (reading, writing) = tmp_path / "sluice.log", os.pipe()
    try:
        done = subprocess.run(
            [sys.executable, "-c", script, str(file)], stdout=subprocess.PIPE, stderr=writing, timeout=30, check=True
        )
    finally:
        os.close(reading)
        os.close(writing)
    assert done.stdout == b"ended\n"
    assert " 255 x" in file.read_text()


def test_rotation(set_up: Any) -> None:
    """The file does not grow without end, and only so many old ones are kept."""
    file = set_up(max_bytes=1000, keep=2)
    for _ in range(100):
        logging.getLogger("sluice.test").info("x" * 100)
    assert sorted(one.name for one in file.parent.iterdir()) == ["sluice.log", "sluice.log.1", "sluice.log.2"]
    assert all(one.stat().st_size < 1200 for one in file.parent.iterdir())


def test_a_log_that_cannot_be_written_hurts_nobody(set_up: Any, tmp_path: Path, capsys: Any) -> None:
    """A folder in the file's place: stderr still gets it, and no call hears of it."""
    (tmp_path / "taken").mkdir()
    taken = set_up(file=tmp_path / "taken")
    logging.getLogger("sluice.test").info("hello")
    taken.output.flush()
    assert "hello" in capsys.readouterr().err
    (tmp_path / "plain").write_text("")
    set_up(file=tmp_path / "plain" / "sluice.log")
    logging.getLogger("sluice.test").info("again")


def test_a_full_disk_hurts_nobody(tmp_path: Path) -> None:
    """Neither a line nor the end raises when the disk takes nothing."""
    if not Path("/dev/full").exists():
        pytest.skip("/dev/full is missing: run this test on Linux")
    before = logging.raiseExceptions
    made = log.set_up(REDACTOR, style="text", level="info", file=Path("/dev/full"), max_bytes=1 << 20, keep=2)
    logging.getLogger("sluice.test").info("hello")
    log.take_down(made)
    logging.raiseExceptions = before


def test_without_a_file(set_up: Any, capsys: Any) -> None:
    """The file is optional."""
    none = set_up(file=None)
    logging.getLogger("sluice.test").info("hello")
    none.output.flush()
    assert capsys.readouterr().err.count("hello") == 1


def test_a_file_of_which_none_is_kept(set_up: Any) -> None:
    """`keep: 0` means one file that begins anew, not one that grows without end; `max_bytes: 0` means no end."""
    file = set_up(max_bytes=1000, keep=0)
    for number in range(100):
        logging.getLogger("sluice.test").info("%d %s", number, "x" * 100)
    assert [one.name for one in file.parent.iterdir()] == ["sluice.log"]
    assert file.stat().st_size < 1200
    assert " 99 x" in file.read_text()
    other = set_up(file=file.with_name("endless"), max_bytes=0)
    logging.getLogger("sluice.test").info("hello")
    assert other.parent.joinpath("endless").read_text().endswith("hello\n")


def test_a_file_that_cannot_be_renamed_goes_on(set_up: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """No line is lost for the sake of the size."""
    file = set_up(max_bytes=100, keep=1)

    def refuse(*given: object) -> None:
        raise PermissionError

    monkeypatch.setattr("os.rename", refuse)
    for number in range(5):
        logging.getLogger("sluice.test").info("line %d %s", number, "x" * 100)
    assert file.read_text().count("line ") == 5


def test_it_is_opened_again(set_up: Any, tmp_path: Path) -> None:
    """After another program has moved the file; when it cannot be opened the old one is kept. The level may change."""
    file = set_up()
    output = file.output
    file.rename(tmp_path / "moved")
    output.reopen("debug")
    logging.getLogger("sluice.test").debug("new")
    assert file.read_text().endswith("new\n")
    file.rename(tmp_path / "moved again")
    file.mkdir()
    output.reopen()
    logging.getLogger("sluice.test").info("old")
    output.flush()
    assert (tmp_path / "moved again").read_text().endswith("old\n")


def test_a_file_that_cannot_be_written_is_told_of(set_up: Any, tmp_path: Path, capsys: Any) -> None:
    """Once, on stderr, with the reason and the setting: a missing log would be noticed when it is needed."""
    (tmp_path / "plain").write_text("")
    set_up(file=tmp_path / "plain" / "sluice.log").output.flush()
    said = capsys.readouterr().err
    assert said.count("cannot be written (") == 1
    assert "setting log.file" in said


def test_a_mistake_in_a_log_line_is_no_mistake_in_a_call(set_up: Any) -> None:
    """Arguments that do not fit, half surrogates, terminal commands in a traceback: all is written, nothing raised."""
    file = set_up()
    logging.getLogger("sluice.test").info("%d of %s", "many")
    logging.getLogger("sluice.test").info("half \ud83e")
    try:
        raise ValueError("\x1b[2J\u202e")
    except ValueError:
        logging.getLogger("sluice.test").exception("broke")
    text = file.read_text()
    assert "%d of %s ('many',)" in text
    assert "half \\ud83e" in text
    assert "ValueError: " in text
    assert not set(text) & {"\x1b", "\u202e"}


def test_a_line_is_made_once(set_up: Any, capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stderr and the file get the same line, which has been cleaned once."""
    file = set_up()
    cleaned: list[str] = []
    monkeypatch.setattr(REDACTOR, "scrub", lambda text, held: cleaned.append(text) or text)
    logging.getLogger("sluice.test").info("hello")
    file.output.flush()
    assert cleaned == ["hello"]
    assert file.read_text() == capsys.readouterr().err != ""
