"""Lines of the log for which several parts are asked: the curl command of a call, and how the daemon is."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from daemon import __version__, curl
from daemon.config import Config
from daemon.journal import Journal
from daemon.model import Call
from daemon.phrases import Phrase, phrase
from daemon.providers import provider_for


def curl_line(call: Call, failed: bool, journal: Journal, config: Config, proxy_of: Callable[[str], str | None]) -> str:
    """The curl command of CALL, which has just ended: on one line, and without the prompt's text.

    With the setting `log.bodies` the body stands in it, if it can be pasted and is one line itself.
    """
    provider = provider_for(call.origin.provider)
    chosen = call.way.variable if call.way is not None else None
    variable = chosen or call.origin.key_variable or (provider.key_variable if provider is not None else None)
    inline = config.log.bodies and not curl.needs_file(call.body) and b"\n" not in call.body
    kept = not call.body or journal.keeps(call, failed)
    return curl.curl_command(
        call.shown(),
        key_variable=variable,
        body_file=str(journal.body_file(call.id)) if kept else None,
        body_kept=inline or kept,
        body_in_file=not inline,
        one_line=True,
        proxy=proxy_of(call.origin.url),
        ca_file=str(config.ca_file) if config.ca_file else None,
    )


@dataclass(frozen=True, slots=True)
class State:
    """What is counted of a daemon that runs. `since`: seconds since the epoch."""

    since: float
    calls: int
    waiting: int
    connections: int


def how_it_is(state: State, health: Mapping[str, Any]) -> list[Phrase]:
    """STATE in words, and what is wrong with the journal, whose HEALTH it is."""
    said = [
        phrase(
            "log.how_it_is",
            version=__version__,
            pid=os.getpid(),
            since=time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(state.since)),
            n=state.calls,
            waiting=state.waiting,
            connections=state.connections,
            state=health["state"],
            rows=health["rows"],
        )
    ]
    if health["why"]:
        said.append(phrase("log.journal", why=health["why"]))
    return said
