"""Questions that the journal answers, too, where no daemon runs."""

from __future__ import annotations

from daemon import TYPE_CHECKING
from daemon.cli import terminal
from daemon.cli.language import chosen
from daemon.cli.options import folders, paths, program
from daemon.errors import NotFound
from daemon.phrases import phrase

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Mapping
    from typing import Any


def ask_or_read(options: Namespace, method: str, params: Mapping[str, Any]) -> Any:
    """Ask the daemon; without one, read its journal. Raises Refusal as either does."""
    from daemon.cli.client import NotRunning, Silent, address, ask

    where = folders(options)
    try:
        return ask(where, method, params)
    except NotRunning as not_running:
        from daemon.cli import offline

        if isinstance(not_running, Silent):
            asked = phrase("client.journal_asked", why=not_running.message).told(chosen(options))
            terminal.complain(f"{program()} {options.command}: {asked}")
        try:
            return offline.answer(paths(options), method, params)
        except offline.NoJournal as none:
            raise NotFound(phrase("client.neither", where=str(address(where)), why=none.message)) from None


def socket_of(options: Namespace) -> str:
    """Where the daemon is, as one types it."""
    from daemon.cli.client import address

    return str(address(folders(options)))
