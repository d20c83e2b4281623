"""A notification on the desktop, where the person wants that: notify-send on Linux, osascript on macOS."""

from __future__ import annotations

import asyncio
import logging
import sys

from daemon.phrases import phrase

_log = logging.getLogger("sluice.desktop")

PATIENCE_S = 5.0
_SCRIPT = 'on run argv\ndisplay notification (item 1 of argv) with title "Sluice"\nend run'


def command(words: str) -> list[str] | None:
    """The command that shows WORDS; None where there is no such program. WORDS are an argument, never a script."""
    import shutil  # with its compressions, which nothing else of a daemon needs

    if sys.platform == "darwin":
        program = shutil.which("osascript")
        return [program, "-e", _SCRIPT, "--", words] if program else None
    program = shutil.which("notify-send")
    return [program, "--app-name=Sluice", "--", "Sluice", words] if program else None


async def show(words: str) -> bool:
    """Show WORDS. False, and a line in the log, when that cannot be done: nothing else is the worse for it."""
    wanted = command(words)
    if wanted is None:
        _log.info(phrase("log.no_notifier"))
        return False
    try:
        process = await asyncio.create_subprocess_exec(
            *wanted,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
    except OSError as error:
        _log.info(phrase("log.no_notice", why=str(error)))
        return False
    try:
        return await asyncio.wait_for(process.wait(), PATIENCE_S) == 0
    except TimeoutError:
        process.kill()
        await process.wait()
        return False
