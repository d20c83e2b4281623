"""The log: a reader of events. One line a call at `info`, each step at `debug`, with the curl command when it failed.

No key and no prompt text is ever logged: targets are sealed, everything else passes the redactor.
"""

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
from collections.abc import Callable
from pathlib import Path

from daemon.model import Call, Event
from daemon.redact import Redactor

LEVELS = ("debug", "info", "warning", "error")

_calls = logging.getLogger("sluice.call")
_log = logging.getLogger("sluice.log")
_SHOWN_HEADERS = ("ratelimit", "retry-after", "request-id", "content-type")

_DRIVING = r"\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069"
_CONTROL = re.compile(f"[{_DRIVING}]")
"""What could drive the terminal in which somebody reads the log."""
_LINE_BREAKING = re.compile(rf"[\t\n{_DRIVING}]")
"""The same and line ends: a model's name must not look like one more line of the log."""


class CallLog:
    """A sink of the gateway."""

    def __init__(self, redactor: Redactor, curl_of: Callable[[Call], str]) -> None:
        self._redactor = redactor
        self._curl_of = curl_of

    def __call__(self, event: Event) -> None:
        """Log one event."""
        if event.final:
            _calls.info("%s", self._clean(event, summary(event)))
        if not _calls.isEnabledFor(logging.DEBUG):
            return
        for line in steps(event):
            _calls.debug("%s  %s", event.call.id, self._clean(event, line))
        if event.kind == "failed" and event.final:
            _calls.debug("%s  the same call from a terminal:\n%s", event.call.id, self._curl_of(event.call))

    def _clean(self, event: Event, text: str) -> str:
        return _LINE_BREAKING.sub("\N{REPLACEMENT CHARACTER}", self._redactor.scrub(text, event.call.secrets()))


def summary(event: Event) -> str:
    """One line for a call that has ended."""
    call = event.call
    parts = [call.id, call.method, call.origin.host + str(call.target).partition("?")[0], call.model or "-"]
    parts.append(
        {"done": str(event.status), "cancelled": "cancelled"}.get(event.kind, f"{event.status or 'no answer'}")
    )
    parts.append(f"{max(0.0, event.at - call.arrived_at):.2f} s")
    if event.attempt != 1:
        parts.append(f"{event.attempt} attempts")
    if event.usage is not None:
        about = "" if event.usage.reported else "about "
        parts.append(f"{about}{event.usage.input}+{event.usage.output} tokens")
    if event.explanation is not None:
        parts.append(f"{event.explanation.finding.subtype}: {event.explanation.line}")
    elif event.reason:
        parts.append(event.reason)
    return " ".join(parts)


def steps(event: Event) -> list[str]:
    """The lines that a debug log shows for one event."""
    call = event.call
    match event.kind:
        case "queued":
            about = f"{call.method} {call.origin.host}{call.target} model={call.model or '-'} client={call.client}"
            size = (
                f"priority={call.priority.name.lower()} body={len(call.body)} B, about {call.estimate.total:.0f} tokens"
            )
            return [f"queued  {about} {size}" + (f"; waits for {event.reason}" if event.reason else "")]
        case "admitted":
            return [f"admitted after {event.wait_s or 0:.2f} s (attempt {event.attempt})"]
        case "sent":
            return [f"sent to {call.origin.url}"]
        case "answered":
            kept = [f"{n}: {v}" for n, v in event.headers if any(word in n.lower() for word in _SHOWN_HEADERS)]
            return [f"answered {event.status}", *(f"    {line}" for line in kept)]
        case "first_byte":
            return ["first byte"]
        case "failed":
            finding = event.explanation.finding if event.explanation is not None else None
            how = f"{finding.subtype} by rule {finding.rule}" if finding is not None else event.reason
            detail = f" ({event.failure.detail})" if event.failure is not None and event.failure.detail else ""
            return [f"failed with {event.status or 'no answer'}: {how}{detail}"]
        case "held":
            return [f"held: goes again in {event.wait_s or 0:.2f} s, {event.reason}"]
        case "done":
            return [f"done, {event.bytes_out} bytes"]
        case _:
            return [f"{event.kind}: {event.reason}"]


class _Clean(logging.Formatter):
    """The last net in front of every log line, whoever wrote it: no key, nothing that drives a terminal.

    It is the formatter that does this, since a traceback becomes text here and not before.
    """

    def __init__(self, redactor: Redactor) -> None:
        super().__init__()
        self._redactor = redactor

    def text(self, record: logging.LogRecord) -> str:
        """The message, cleaned. One that cannot be put together is shown in its parts."""
        try:
            text = record.getMessage()
        except Exception:  # a mistake in a log line must not become a mistake in a call
            text = f"{record.msg} {record.args}"
        return self._clean(text)

    def traceback(self, record: logging.LogRecord) -> str:
        """Its traceback, cleaned: an exception's words may quote what came from outside."""
        return self._clean(self.formatException(record.exc_info)) if record.exc_info else ""

    def _clean(self, text: str) -> str:
        return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", self._redactor.scrub(text))


class _Text(_Clean):
    """`2026-01-31 12:00:01.123 debug   text`, in local time."""

    def format(self, record: logging.LogRecord) -> str:
        stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(record.created)) + f".{record.msecs:03.0f}"
        text = f"{stamp} {record.levelname.lower():7} {self.text(record)}"
        return text + ("\n" + self.traceback(record) if record.exc_info else "")


class _Json(_Clean):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        row = {"at": round(record.created, 3), "level": record.levelname.lower(), "logger": record.name}
        row["text"] = self.text(record)
        if record.exc_info:
            row["traceback"] = self.traceback(record)
        return json.dumps(row, ensure_ascii=False)


class _Quiet(logging.StreamHandler):  # type: ignore[type-arg]
    """A handler whose own failure (a closed pipe, a full disk) never reaches a call."""

    def handleError(self, record: logging.LogRecord) -> None:
        """Say nothing."""


class _QuietFile(logging.handlers.RotatingFileHandler):
    """The log file. It is opened at once, so that one that cannot be written is told of and not only missed."""

    def __init__(self, file: Path, max_bytes: int, keep: int) -> None:
        super().__init__(file, maxBytes=max_bytes, backupCount=keep, encoding="utf-8", errors="backslashreplace")

    def handleError(self, record: logging.LogRecord) -> None:
        """Say nothing."""

    def shouldRollover(self, record: logging.LogRecord) -> bool:
        """True when the file has grown past its size. A pipe or a device has none."""
        if self.maxBytes <= 0 or self.stream is None:
            return False
        about = os.fstat(self.stream.fileno())
        return stat.S_ISREG(about.st_mode) and about.st_size >= self.maxBytes

    def doRollover(self) -> None:
        """Begin a new file. Where none is kept the old one is emptied: the standard library would let it grow."""
        if self.backupCount == 0 and self.stream is not None:
            self.stream.truncate(0)
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

    def __init__(self, handlers: list[logging.Handler]) -> None:
        self.handlers = handlers

    def reopen(self, level: str | None = None) -> None:
        """Open the log file again and, if it is given, take another LEVEL."""
        for handler in self.handlers:
            if isinstance(handler, _QuietFile):
                handler.reopen()
        if level is not None:
            logging.getLogger("sluice").setLevel(level.upper())


def set_up(redactor: Redactor, *, level: str, style: str, file: Path | None, max_bytes: int, keep: int) -> Output:
    """Log to stderr and, with size rotation, to FILE. `take_down` undoes it."""
    handlers: list[logging.Handler] = [_Quiet(sys.stderr)]
    trouble: OSError | None = None
    if file is not None:
        try:
            file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            handlers.append(_QuietFile(file, max_bytes, keep))
        except OSError as error:
            trouble = error
    root = logging.getLogger()
    for handler in handlers:
        handler.setFormatter((_Json if style == "json" else _Text)(redactor))
        root.addHandler(handler)
    logging.getLogger("sluice").setLevel(level.upper())
    root.setLevel(logging.WARNING)
    logging.raiseExceptions = False
    if trouble is not None:
        why = trouble.strerror or trouble
        _log.warning(
            "the log file %s cannot be written (%s): the log is on stderr only; see setting log.file", file, why
        )
    return Output(handlers)


def take_down(output: Output) -> None:
    """Undo `set_up`."""
    for handler in output.handlers:
        logging.getLogger().removeHandler(handler)
        handler.close()
