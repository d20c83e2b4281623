"""The log is written by a thread of its own: no call waits for a terminal or a disk, and many lines are one write."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final, Protocol

from daemon.phrases import phrase

LINGER_S: Final = 0.02
"""So long the thread waits for more lines. A warning does not wait."""
MOST: Final = 10_000
"""Lines that may wait while a terminal stands still or a disk hangs; what comes then is counted, and told of."""
AT_ONCE: Final = 256
"""Lines in one write."""
STEPS: Final = 32
"""So many steps may wait, with their prompts and answers."""
END_S: Final = 2.0
"""At the end so long is waited for what takes nothing more."""

_log = logging.getLogger("sluice.log")


class Target(Protocol):
    """Where lines go in the end."""

    def write_all(self, records: Sequence[logging.LogRecord]) -> None:
        """Write RECORDS in order. Raises nothing."""


Step = Callable[[], object]


class Later(logging.Handler):
    """Hands records to a thread, which writes them to all TARGETS."""

    def __init__(self, targets: Sequence[Target]) -> None:
        super().__init__()
        self._targets = targets
        self._queue: queue.SimpleQueue[logging.LogRecord | Step | None] = queue.SimpleQueue()
        self._records: list[logging.LogRecord] = []
        """In the thread: what is written next."""
        self._haste = threading.Event()
        self._dropped = 0
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="log", daemon=True)
        self._thread.start()

    def emit(self, record: logging.LogRecord) -> None:
        """Queue RECORD. What could change or would keep much alive becomes text now."""
        if threading.get_ident() == self._thread.ident:
            self._records.append(record)
        elif self._queue.qsize() >= MOST:
            self._dropped += 1
        else:
            if record.exc_info or not all(isinstance(arg, (str, int, float)) for arg in record.args or ()):
                self.format(record)
            self._queue.put(record)
            if record.levelno >= logging.WARNING:
                self._haste.set()

    def do(self, step: Step) -> None:
        """Let the thread do STEP in its turn: what it logs stands where it would stand now.

        While much waits it is done at once: a step may hold a prompt and an answer, and what it logs does not.
        """
        if self._queue.qsize() < STEPS:
            self._queue.put(step)
        else:
            step()

    def flush(self) -> None:
        """Wait until what was logged so far is written, for two seconds at most."""
        if self._closed:
            return
        written = threading.Event()

        def told() -> None:
            self._write()
            written.set()

        self._queue.put(told)
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
            for one in found:
                self._take(one)
            self._write()
            going = None not in found

    def _take(self, one: logging.LogRecord | Step | None) -> None:
        if isinstance(one, logging.LogRecord):
            self._records.append(one)
        elif one is not None:
            try:
                one()
            except Exception:  # the thread must outlive what nobody thought of
                _log.exception(phrase("log.broke_reader"))

    def _write(self) -> None:
        """Write what was taken."""
        if self._dropped:
            lost, self._dropped = self._dropped, 0
            what = phrase("log.dropped", n=lost)
            self._records.append(_log.makeRecord(_log.name, logging.WARNING, "", 0, what, (), None))
        records, self._records = self._records, []
        for target in self._targets if records else ():
            with suppress(Exception):
                target.write_all(records)
