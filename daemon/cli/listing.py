"""`daemon calls`: the newest calls, or one whole."""

from __future__ import annotations

import time

from daemon import TYPE_CHECKING
from daemon.cli import terminal
from daemon.cli.asking import ask_or_read, socket_of
from daemon.cli.language import chosen
from daemon.cli.terminal import columns, say, say_json, say_text
from daemon.errors import InvalidCall
from daemon.phrases import phrase

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Mapping
    from typing import Any

ALWAYS = ("failed", "limit")
"""Parameters of the operation `calls` that have a value, whatever was asked for."""


def run(options: Namespace) -> None:
    """Print what OPTIONS ask for. Raises Refusal."""
    if options.follow:
        from daemon.cli import follow, kinds

        kinds.refuse_unknown(options)
        if options.call:
            raise InvalidCall(phrase("follow.one"))
        follow.run(options, filters(options))
    if options.call:
        _one(options)
    else:
        _many(options)


def filters(options: Namespace) -> dict[str, Any]:
    """The parameters of the operation `calls`, without what nobody asked for."""
    told = {"since_s": options.since, "model": options.model, "client": options.client, "subtype": options.subtype}
    given = {name: value for name, value in told.items() if value is not None}
    return {**{name: getattr(options, name, None) for name in ALWAYS}, **given}


def _one(options: Namespace) -> None:
    language = chosen(options)
    row = ask_or_read(options, "show", {"call": options.call, "language": language})
    if options.json:
        say_json([row])
        return
    from daemon.cli.story import call_text

    say_text(call_text(row, time.time(), language))


def _many(options: Namespace) -> None:
    language, asked = chosen(options), filters(options)
    answer = ask_or_read(options, "calls", {**asked, "language": language})
    rows, missing = answer["calls"], answer.get("journal")
    if not rows and options.subtype:
        from daemon.cli import kinds

        kinds.refuse_unknown(options)
    if options.json:
        say_json(rows)
        if missing:
            terminal.complain("\n".join(_missing(missing, language)))
    elif not rows and missing:
        say(_missing(missing, language))
    elif not rows and len(asked) > len(ALWAYS):
        say_text([phrase("calls.no_match").told(language)])
    else:
        from daemon.cli.show import calls_text

        where = "" if rows else socket_of(options)
        say(calls_text(rows, time.time(), failed=options.failed, language=language, most=columns(), socket=where))
        if missing:
            say(["", *_missing(missing, language)])


def _missing(journal: Mapping[str, Any], language: str) -> list[str]:
    """What is not in the answer, since the JOURNAL cannot be written."""
    from daemon.cli.show import missing_text

    return missing_text(journal, time.time(), language, columns())
