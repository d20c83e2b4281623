"""Names of calls: one in each line, and behind a tab what call it is."""

from __future__ import annotations

import time

from daemon import TYPE_CHECKING
from daemon.cli.asking import ask_or_read
from daemon.cli.language import chosen
from daemon.cli.safe import cell
from daemon.cli.show import OPEN, answer_text, clock
from daemon.cli.terminal import say, speak_utf8
from daemon.phrases import phrase

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Iterator

NEWEST = 20
"""Calls that are offered: nobody reads more."""
MOST_OPEN = 1_000


def run(options: Namespace) -> None:
    """Print the newest ones, or all that wait or run. Raises Refusal."""
    speak_utf8()
    say(list(_names(options, chosen(options), time.time())))


def _names(options: Namespace, language: str, now: float) -> Iterator[str]:
    only_open = options.what == "open"
    asked = {"failed": False, "limit": MOST_OPEN if only_open else NEWEST, "language": language}
    rows = ask_or_read(options, "calls", asked)["calls"]
    if only_open:
        rows = [row for row in rows if row["state"] in OPEN]
    elif rows:
        yield f"last\t{phrase('completion.last').told(language)}"
        yield f"last-failed\t{phrase('completion.last_failed').told(language)}"
    for row in rows:
        about = (clock(row.get("started_at"), now), cell(row.get("model") or "-"), answer_text(row, language))
        yield f"{cell(row['id'])}\t{' '.join(about)}"
