"""`daemon calls --follow`: calls as they end, told by the daemon, over its restarts."""

from __future__ import annotations

import argparse
import time
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any, Final

from daemon.cli import offline
from daemon.cli.client import Line, NotRunning, Silent, wait_for_end
from daemon.cli.language import chosen
from daemon.cli.options import paths, program
from daemon.cli.show import CALL_NAMES, OPEN, call_cells, calls_head, missing_text, table
from daemon.cli.terminal import columns, complain, flush, say, say_json
from daemon.errors import Refusal
from daemon.phrases import phrase

RETRY_S: Final = 1.0
"""How often it is looked whether a daemon runs again."""

LONGEST_S: Final = 3600.0
"""How long a call may have been under way that ended while nobody told us."""

END_S: Final = 10.0
"""How long a daemon that has closed its door may take to write down what ended last."""

MOST_SHOWN: Final = 10_000
"""Ids that are remembered, so that no call is shown twice."""

_WIDTHS: Final = (9, 8, 8, 17, 12, 6)
"""Of the columns, before anything wider comes."""


def run(options: argparse.Namespace, filters: Mapping[str, Any]) -> None:
    """Show calls until somebody ends it. Raises NotRunning when there is no daemon at the beginning."""
    follower = Follower(options, filters)
    follower.follow()
    while True:
        follower.read_on()
        complain(f"{program()} {options.command}: {phrase('follow.lost').told(chosen(options))}")
        while not follower.comes_back():
            time.sleep(RETRY_S)  # nobody tells when a socket appears


class Follower:
    """Asks for the calls of which the daemon says that they have ended. Filters are the daemon's work."""

    def __init__(self, options: argparse.Namespace, filters: Mapping[str, Any]) -> None:
        self._options = options
        self._where = paths(options)
        self._filters = {name: value for name, value in filters.items() if name not in ("since_s", "limit")}
        self._since_s: float | None = filters.get("since_s")
        self._shown: OrderedDict[str, None] = OrderedDict()
        self._widths: list[int] | None = None
        self._began = time.time()
        self._lost_at: float | None = None
        self._missing_since: float | None = None

    def follow(self) -> None:
        """Show what ends until the daemon does. Raises NotRunning, Silent, Remote when there is none to begin with."""
        with Line(self._where) as daemon:
            daemon.ask("subscribe", {"topics": ["ended"]})
            self._catch_up(daemon)
            try:
                for told in daemon.told():
                    self._show(self._ask(daemon, ids=told.get("calls") or []))
            except NotRunning:
                pass  # it ended between telling and answering
        self._lost_at = time.time()

    def comes_back(self) -> bool:
        """True when a daemon ran again, and has ended; False when none runs."""
        try:
            self.follow()
        except (NotRunning, Silent):
            return False
        return True

    def read_on(self) -> None:
        """Show what ended last: while it stops, a daemon tells nobody any more, but writes it down."""
        wait_for_end(self._where, END_S)
        with suppress(Refusal):
            self._show_missed(offline.answer(self._where, "calls", self._lately())["calls"])

    def _catch_up(self, daemon: Line) -> None:
        """After connecting: what was asked for of the time before, or what ended while nobody told us."""
        if self._lost_at is not None:
            complain(f"{program()} {self._options.command}: {phrase('follow.back').told(chosen(self._options))}")
            self._show_missed(daemon.ask("calls", self._lately())["calls"])
        elif self._since_s is not None:
            rows = self._ask(daemon, since_s=self._since_s, limit=self._options.limit)
            self._show(row for row in rows if row["state"] not in OPEN)
        else:
            self._show(())

    def _lately(self) -> dict[str, Any]:
        """The question for what may have been missed."""
        return {**self._filters, "since_s": time.time() - self._began + LONGEST_S, "limit": MOST_SHOWN}

    def _show_missed(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Show those of ROWS that have ended since we began; of interrupted ones nobody could write down when."""
        self._show(
            row for row in rows if row["state"] not in OPEN and (row["ended_at"] or row["started_at"]) >= self._began
        )

    def _ask(self, daemon: Line, **more: Any) -> list[Any]:
        language = chosen(self._options)
        answer = daemon.ask("calls", {**self._filters, **more, "language": language})
        self._tell_missing(answer.get("journal") or {}, language)
        return list(answer["calls"])

    def _tell_missing(self, journal: Mapping[str, Any], language: str) -> None:
        """Say it once when calls end that nobody can write down, and again when that begins anew."""
        since = journal.get("since")
        if since is not None and since != self._missing_since:
            complain("\n".join(missing_text(journal, time.time(), language)))
        self._missing_since = since

    def _show(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Show those that were not shown yet, in the order in which they ended."""
        fresh = [row for row in rows if row["id"] not in self._shown]
        fresh.sort(key=lambda row: row["ended_at"] or row["started_at"])
        self._shown.update(dict.fromkeys([row["id"] for row in fresh]))
        while len(self._shown) > MOST_SHOWN:
            self._shown.popitem(last=False)
        if self._options.json:
            say_json(fresh)
        else:
            self._table(fresh)
        flush()

    def _table(self, rows: list[Mapping[str, Any]]) -> None:
        language, now = chosen(self._options), time.time()
        lines = [call_cells(row, now, language) for row in rows]
        if self._widths is None:
            self._widths = list(_WIDTHS)
            lines.insert(0, calls_head(language))
        say(table(lines, self._widths, columns(), CALL_NAMES))
