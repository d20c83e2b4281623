"""The log: a reader of events. One line a call at `info`, each step at `debug`, with the curl command when it failed.

No key and no prompt text is ever logged: targets are sealed, everything else passes the redactor.
"""

from __future__ import annotations

import contextlib
import json
import logging
import logging.handlers
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path

from daemon.model import Call, Event
from daemon.redact import Redactor

LEVELS = ("debug", "info", "warning", "error")

_calls = logging.getLogger("sluice.call")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
"""What a client or provider could forge lines and colours of the log with."""

_SHOWN_HEADERS = ("ratelimit", "retry-after", "request-id", "content-type")


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
        return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", self._redactor.scrub(text, event.call.secrets()))


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
        parts.append(f"{event.usage.input}+{event.usage.output} tokens")
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


class _Text(logging.Formatter):
    """`12:00:01.123 debug sluice.call text`, in local time."""

    def format(self, record: logging.LogRecord) -> str:
        stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(record.created)) + f".{record.msecs:03.0f}"
        text = f"{stamp} {record.levelname.lower():7} {record.getMessage()}"
        return text + ("\n" + record.exc_text if record.exc_text else "")


class _Json(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        row = {"at": round(record.created, 3), "level": record.levelname.lower(), "logger": record.name}
        row["text"] = record.getMessage()
        if record.exc_text:
            row["traceback"] = record.exc_text
        return json.dumps(row, ensure_ascii=False)


_TRACEBACK = logging.Formatter()


class _Cleaning(logging.Filter):
    """The last net in front of every log line, whoever wrote it."""

    def __init__(self, redactor: Redactor) -> None:
        super().__init__()
        self._redactor = redactor

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = self._redactor.scrub(record.getMessage()), ()
        if record.exc_info:
            record.exc_text = self._redactor.scrub(_TRACEBACK.formatException(record.exc_info))
            record.exc_info = None
        return True


class _Quiet(logging.StreamHandler):  # type: ignore[type-arg]
    """A handler whose own failure (a closed pipe, a full disk) never reaches a call."""

    def handleError(self, record: logging.LogRecord) -> None:
        """Say nothing."""


class _QuietFile(logging.handlers.RotatingFileHandler):
    def handleError(self, record: logging.LogRecord) -> None:
        """Say nothing."""


def set_up(
    redactor: Redactor, *, level: str, style: str, file: Path | None, max_bytes: int, keep: int
) -> list[logging.Handler]:
    """Log to stderr and, with size rotation, to FILE. Returns the handlers, for `take_down`."""
    handlers: list[logging.Handler] = [_Quiet(sys.stderr)]
    if file is not None:
        with contextlib.suppress(OSError):
            file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            handlers.append(_QuietFile(file, maxBytes=max_bytes, backupCount=keep, encoding="utf-8", delay=True))
    formatter = _Json() if style == "json" else _Text()
    root = logging.getLogger()
    for handler in handlers:
        handler.setFormatter(formatter)
        handler.addFilter(_Cleaning(redactor))
        root.addHandler(handler)
    logging.getLogger("sluice").setLevel(level.upper())
    root.setLevel(logging.WARNING)
    logging.raiseExceptions = False
    return handlers


def take_down(handlers: list[logging.Handler]) -> None:
    """Undo `set_up`."""
    for handler in handlers:
        logging.getLogger().removeHandler(handler)
        handler.close()
