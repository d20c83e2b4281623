"""The log is written by a thread of its own: no call waits for a terminal or a disk, and many lines are one write."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import Final, Protocol

from daemon.phrases import phrase

LINGER_S: Final = 0.02
"""So long the thread waits for more lines. A warning does not wait."""
MOST: Final = 10_000
"""Lines that may wait while a terminal stands still or a disk hangs; what comes then is counted, and told of."""
AT_ONCE: Final = 256
"""Lines in one write."""
END_S: Final = 2.0
"""At the end so long is waited for what takes nothing more."""

_log = logging.getLogger("sluice.log")


class Target(Protocol):
    """Where lines go in the end."""

    def write_all(self, lines: Sequence[str]) -> None:
        """Write LINES in order, each with its end."""


class Later(logging.Handler):
    """Makes lines of records, and hands them to a thread, which writes them to all TARGETS.

    The lines are made by whoever logs: what is logged is what it was then, nothing but text waits, and the thread runs
    so little Python that it takes no turn from the journal's.
    """

    def __init__(self, targets: Sequence[Target]) -> None:
        super().__init__()
        self._targets = targets
        self._queue: queue.SimpleQueue[str | threading.Event | None] = queue.SimpleQueue()
        self._haste = threading.Event()
        self._dropped = 0
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="log", daemon=True)
        self._thread.start()

    def emit(self, record: logging.LogRecord) -> None:
        """Queue the line of RECORD."""
        if self._queue.qsize() >= MOST:
            self._dropped += 1
            return
        try:
            self._queue.put(self.format(record) + "\n")
        except Exception:  # a mistake in a log line must not become a mistake in a call
            self.handleError(record)
        if record.levelno >= logging.WARNING:
            self._haste.set()

    def flush(self) -> None:
        """Wait until what was logged so far is written, for two seconds at most."""
        if self._closed:
            return
        written = threading.Event()
        self._queue.put(written)
        self._haste.set()
        written.wait(END_S)

    def close(self) -> None:
        """Write what is left, and end the thread; a terminal that takes nothing is not waited for without end."""
        if not self._closed:
            self._closed = True
            self._queue.put(None)
            self._haste.set()
            self._thread.join(END_S)
        super().close()

    # In the thread, from here.

    def _run(self) -> None:
        going = True
        while going:
            found = [self._queue.get()]
            if not self._haste.is_set():
                self._haste.wait(LINGER_S)
            self._haste.clear()
            with suppress(queue.Empty):
                while len(found) < AT_ONCE:
                    found.append(self._queue.get_nowait())
            going = None not in found
            self._write([one for one in found if isinstance(one, str)])
            for one in found:
                if isinstance(one, threading.Event):
                    one.set()

    def _write(self, lines: list[str]) -> None:
        """Write LINES, and how many are missing."""
        if self._dropped:
            lost, self._dropped = self._dropped, 0
            said = phrase("log.dropped", n=lost)
            lines.append(self.format(record_of(_log, logging.WARNING, said)) + "\n")
        for target in self._targets if lines else ():
            with suppress(Exception):  # the thread must outlive what nobody thought of
                target.write_all(lines)


def record_of(logger: logging.Logger, level: int, text: str) -> logging.LogRecord:
    """TEXT as LOGGER would say it at LEVEL, for who says it whether or not that level is logged."""
    return logger.makeRecord(logger.name, level, "", 0, text, (), None)
