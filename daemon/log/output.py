"""Where the log goes, and in which form. Whatever passes here holds no key and drives no terminal."""

from __future__ import annotations

import contextlib
import json
import logging
import logging.handlers
import os
import re
import stat
import sys
import time
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TextIO

from daemon.log.later import Later
from daemon.phrases import phrase, told
from daemon.redact import Redactor

LEVELS = ("debug", "info", "warning", "error")

_log = logging.getLogger("sluice.log")

DRIVING = r"\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069"
_CONTROL = re.compile(f"[{DRIVING}]")
"""What could drive the terminal in which somebody reads the log."""


class _Clean(logging.Formatter):
    """The last net in front of every log line, whoever wrote it: no key, nothing that drives a terminal.

    It is the formatter that does this, since a traceback becomes text here and not before.
    """

    def __init__(self, redactor: Redactor, language: str = "en") -> None:
        super().__init__()
        self._redactor = redactor
        self._language = language

    def text(self, record: logging.LogRecord) -> str:
        """The message, cleaned. One that cannot be put together is shown in its parts."""
        try:
            text = record.getMessage() if self._language == "en" else self._told(record)
        except Exception:  # a mistake in a log line must not become a mistake in a call
            text = f"{record.msg} {record.args}"
        return self._clean(text, thoroughly=record.levelno >= logging.WARNING)

    def _told(self, record: logging.LogRecord) -> str:
        """The message with its phrases in the language of the log. Other texts are somebody else's, and stay."""
        text = str(told(record.msg, self._language))
        return text % tuple(told(arg, self._language) for arg in record.args) if record.args else text

    def traceback(self, record: logging.LogRecord) -> str:
        """Its traceback, cleaned: an exception's words may quote what came from outside."""
        return self._clean(self.formatException(record.exc_info), thoroughly=True) if record.exc_info else ""

    def _clean(self, text: str, *, thoroughly: bool) -> str:
        """TEXT without what looks like a key; THOROUGHLY: and without the last keys, whatever they look like. The line
        of a call needs no such look: it comes with every call, and is made of what has been scrubbed."""
        held = self._redactor.recent() if thoroughly else ()
        return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", self._redactor.scrub(text, held))


class _Text(_Clean):
    """`2026-01-31 12:00:01.123 debug   text`, in local time, with its words in the language of the person."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        stamp = f"{_second(int(record.created))}.{int(record.msecs):03d}"
        text = f"{stamp} {record.levelname.lower():7} {self.text(record)}"
        return text + ("\n" + self.traceback(record) if record.exc_info else "")


@lru_cache(maxsize=2)  # a busy second has many lines
def _second(at: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at))


class _Json(_Clean):
    """One JSON object a line, for programs: in English."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        row = {"at": round(record.created, 3), "level": record.levelname.lower(), "logger": record.name}
        call = getattr(record, "call", None)
        if call is not None:
            row["call"] = call
        row["text"] = self.text(record)
        if record.exc_info:
            row["traceback"] = self.traceback(record)
        return json.dumps(row, ensure_ascii=False)


class _Quiet(logging.StreamHandler):  # type: ignore[type-arg]
    """The terminal. Its failure (a closed pipe, a full disk) is told to nobody: there is no other place."""

    def write_all(self, lines: Sequence[str]) -> None:
        """Write LINES past Python's buffer, whose lock would be held at the end by a terminal that takes nothing."""
        text = "".join(lines)
        try:
            where = self.stream.fileno()
        except (OSError, ValueError):  # no file: a test's
            self.stream.write(text)
            return
        left = memoryview(text.encode(self.stream.encoding or "utf-8", "backslashreplace"))
        with contextlib.suppress(OSError):
            while left:
                left = left[os.write(where, left) :]


class _QuietFile(logging.handlers.RotatingFileHandler):
    """The log file. It is opened at once, so that one that cannot be written is told of and not only missed."""

    def __init__(self, file: Path, max_bytes: int, keep: int) -> None:
        super().__init__(file, maxBytes=max_bytes, backupCount=keep, encoding="utf-8", errors="backslashreplace")

    def write_all(self, lines: Sequence[str]) -> None:
        """Write LINES; what the disk does not take is lost."""
        self.acquire()
        try:
            while lines:
                lines = self._write_some(lines)
        except (OSError, ValueError):  # a full disk, or a file that could not be opened again
            return
        finally:
            self.release()

    def _write_some(self, lines: Sequence[str]) -> Sequence[str]:
        """Write of LINES what has room in the file; return the rest."""
        if self._room() <= 0:
            self.doRollover()
        room, n, stream = self._room(), 0, self._there()
        while n < len(lines) and (room > 0 or not n):
            room -= len(lines[n])
            n += 1
        stream.write("".join(lines[:n]))
        stream.flush()
        return lines[n:]

    def _there(self) -> TextIO:
        """The file; opened again where a new one could not be begun."""
        self.stream = stream = self.stream or self._open()
        return stream

    def _room(self) -> float:
        """Bytes until the file has its size. A pipe or a device has none."""
        if self.maxBytes <= 0:
            return float("inf")
        about = os.fstat(self._there().fileno())
        return self.maxBytes - about.st_size if stat.S_ISREG(about.st_mode) else float("inf")

    def doRollover(self) -> None:
        """Begin a new file. Where none is kept the old one is emptied: the standard library would let it grow."""
        if self.backupCount == 0:
            self._there().truncate(0)
            return
        with contextlib.suppress(OSError):  # what cannot be renamed goes on growing, which is better than no log
            super().doRollover()

    def reopen(self) -> None:
        """Open the file of that name again: somebody may have moved it away."""
        self.acquire()
        try:
            fresh, old = self._open(), self.stream
            self.stream = fresh
            if old is not None:
                old.close()
        except OSError:  # then the old one it is
            return
        finally:
            self.release()


class Output:
    """Where the log goes."""

    def __init__(self, targets: list[_Quiet | _QuietFile], form: _Clean) -> None:
        self.targets = targets
        self.later = Later(targets)
        self.later.setFormatter(form)

    def flush(self) -> None:
        """Wait until what was logged so far is written."""
        self.later.flush()

    def reopen(self, level: str | None = None) -> None:
        """Open the log file again and, if it is given, take another LEVEL."""
        for target in self.targets:
            if isinstance(target, _QuietFile):
                target.reopen()
        if level is not None:
            logging.getLogger("sluice").setLevel(level.upper())


def set_up(
    redactor: Redactor, *, level: str, style: str, file: Path | None, max_bytes: int, keep: int, language: str = "en"
) -> Output:
    """Log to stderr and, with size rotation, to FILE; text in LANGUAGE. `take_down` undoes it."""
    targets: list[_Quiet | _QuietFile] = [_Quiet(sys.stderr)]
    trouble: OSError | None = None
    if file is not None:
        try:
            file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            targets.append(_QuietFile(file, max_bytes, keep))
        except OSError as error:
            trouble = error
    output = Output(targets, _Json(redactor) if style == "json" else _Text(redactor, language))
    root = logging.getLogger()
    root.addHandler(output.later)
    logging.getLogger("sluice").setLevel(level.upper())
    root.setLevel(logging.WARNING)
    logging.raiseExceptions = False
    # No line of ours names a thread or a process.
    logging.logThreads = logging.logMultiprocessing = logging.logProcesses = False
    if trouble is not None:
        _log.warning(phrase("log.unwritable", file=str(file), why=str(trouble.strerror or trouble)))
    return output


def take_down(output: Output) -> None:
    """Undo `set_up`. What was logged is written."""
    logging.getLogger().removeHandler(output.later)
    output.later.close()
    for target in output.targets:
        with contextlib.suppress(OSError):  # a full disk does not take the last lines either
            target.close()
