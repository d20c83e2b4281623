"""What the process itself is: its memory, its limits, its event loop, and the secret of this installation."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import errno
import logging
import os
import resource
import secrets
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from daemon.errors import ConfigError
from daemon.phrases import phrase

_log = logging.getLogger("sluice.process")

_USED_UP: Final = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
"""What accept(2) says when there is no room for one more. The loop tries again after a second."""

_OWN_FILES: Final = 32
"""Descriptors for ourselves: the journal, locks, logs, the loop, a body that is written, and some to spare."""


def install_secret(file: Path) -> bytes:
    """The secret under which keys get their bucket names; made at the first start. Losing it only renames buckets.

    Raises ConfigError when it can be neither read nor made.
    """
    try:
        with contextlib.suppress(FileNotFoundError):
            fd = os.open(file, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
            with os.fdopen(fd, "rb") as kept:
                if len(secret := kept.read(33)) == 32:
                    return secret
        made = secrets.token_bytes(32)
        fd = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        with os.fdopen(fd, "wb") as out:
            out.write(made)
    except OSError as error:
        raise ConfigError(phrase("door.secret", file=str(file), why=str(error.strerror))) from None
    return made


_LISTENS_AGAIN = "._start_serving("
"""When descriptors are used up, asyncio listens again a second later, also on a socket that was closed meanwhile: its
ValueError (descriptor -1) then is no fault of anybody (3.11, selector_events.py)."""


class QuietLoop:
    """The loop's exception handler: each text at most once a second, without the objects' reprs; that descriptors or
    memory are used up once a minute, in one line, since it is no fault in the code and may last."""

    def __init__(self) -> None:
        self._said: dict[str, float] = {}
        """Text to the instant at which it may be said again."""

    def __call__(self, loop: asyncio.AbstractEventLoop, context: Mapping[str, Any]) -> None:
        text, error, now = str(context.get("message")), context.get("exception"), loop.time()
        self._said = {said: until for said, until in self._said.items() if now < until}
        if text in self._said or (isinstance(error, ValueError) and _LISTENS_AGAIN in text):
            return
        used_up = isinstance(error, OSError) and error.errno in _USED_UP
        self._said[text] = now + (60.0 if used_up else 1.0)
        if used_up:
            soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
            why = str(getattr(error, "strerror", error))
            _log.error(phrase("log.loop_full", what=text, why=why, most=soft))
        else:
            _log.error(phrase("log.loop", what=text), exc_info=error)


def loop_runner() -> Callable[..., None]:
    """asyncio.run, on uvloop where the `speed` extra is installed."""
    try:
        import uvloop
    except ImportError:
        return asyncio.run
    return getattr(uvloop, "run", asyncio.run)  # type: ignore[no-any-return,unused-ignore]  # before 0.18 it had none


def platform_text() -> str:
    """What a report of a fault should name: Python, and which event loop."""
    loop = type(asyncio.get_running_loop()).__module__.partition(".")[0]
    return f"Python {sys.version.split()[0]}, {loop}"


def keep_memory_private() -> None:
    """No core files, and no reading of our memory by other processes of the same user."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(4, 0, 0, 0, 0)  # PR_SET_DUMPABLE = 4


def give_back_memory() -> None:
    """Let the system have what was needed for a moment, at the start above all, and lies free between what is kept.

    Only the GNU C library keeps it so; there `malloc_trim` gives whole pages of it back: 1.9 of 36.8 MiB (measured).
    """
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).malloc_trim(0)


def raise_file_limit() -> None:
    """Allow as many open files as the system lets us, up to 4096: two for each connection."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 4096 if hard == resource.RLIM_INFINITY else min(hard, 4096)
    if soft < wanted:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def give_way_to_calls() -> None:
    """Let the loop have the interpreter back from another thread (the journal's) after half a millisecond.

    Beside a thread that is busy for some milliseconds at a time, one turn of the loop in a hundred came 6.4 ms late
    with Python's own 5 ms, and 2.5 ms with this (measured).
    """
    sys.setswitchinterval(0.0005)


def connections_that_fit(wanted: int, ways: int = 1) -> int:
    """At most WANTED by each of so many WAYS in, and no more than we have descriptors for: each visitor's call needs
    one more to its provider."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return wanted
    return max(4, min(wanted, (soft - _OWN_FILES) // (2 * ways)))
