"""`daemon replay`: a call once more, straight or through the daemon, and what that says about the first time."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from daemon.cli import outcome
from daemon.cli.client import ask
from daemon.cli.language import chosen
from daemon.cli.offline import Known
from daemon.cli.options import paths, program
from daemon.cli.outcome import Outcome
from daemon.cli.safe import cell
from daemon.cli.terminal import agreed, columns, complain, say, say_json
from daemon.curl.request import Plain
from daemon.errors import InvalidCall, Refusal
from daemon.journal import call_from_row, not_kept
from daemon.journal.rebuild import moved, stranded
from daemon.operations.replaying import again, needed_key, refuse_stranded
from daemon.phrases import Phrase, phrase

PATIENCE_S = 1800.0
"""How long the daemon may take: a call waits for its limits there, and is sent again."""

Show = Callable[[str], Mapping[str, Any]]
"""Asks the daemon, or its journal, for one call whole."""


def run(options: argparse.Namespace, show: Show) -> bool:
    """Send the call again; True if it worked each time. Raises Refusal when it cannot be sent or nobody agreed."""
    row = show(options.call)
    where = paths(options)
    kept = call_from_row(row)
    if kept is None:
        raise not_kept(row)
    known = Known(where)
    origin = known.origin_of(kept.call)
    sandbox = _sandbox(options) if stranded(kept.call, origin) else None
    refuse_stranded(kept.call, origin, sandbox=sandbox is not None)
    call = moved(kept, origin, sandbox).call
    plain = again(call, known.key_variable(call))
    key = os.environ.get(plain.variable or "")
    if not options.via_daemon:
        key = needed_key(plain, key)
    for note in plain.changes if options.via_daemon else [*plain.changes, *plain.left_out(os.environ.get)]:
        complain(f"{program()} {options.command}: {note.told(chosen(options))}")
    _agree(options, row)
    if options.via_daemon:
        later: Sequence[Outcome] = [_through(options, show, row["id"], key) for _ in range(options.times)]
    else:
        later = _straight(options, plain, key or "")
    _tell(options, row, later)
    return not any(one.failed for one in later)


def _sandbox(options: argparse.Namespace) -> str | None:
    """Where the sandbox of the daemon that answers is; None when that is none, or nobody answers."""
    try:
        found = ask(paths(options), "hello").get("sandbox_url")
    except Refusal:
        return None
    return found if isinstance(found, str) else None


def _straight(options: argparse.Namespace, plain: Plain, key: str) -> Sequence[Outcome]:
    from daemon.cli import direct

    return direct.send(paths(options), plain, key, options.times)


def _through(options: argparse.Namespace, show: Show, name: str, key: str | None) -> Outcome:
    """One sending through the daemon; without KEY it takes the one in its own environment."""
    told = ask(paths(options), "replay", {"call": name, "key": key}, timeout_s=PATIENCE_S)
    for note in told.get("left_out", ()):
        complain(f"{program()} {options.command}: {note}")
    return outcome.of_row(show(told["call"]))


def _tell(options: argparse.Namespace, row: Mapping[str, Any], later: Sequence[Outcome]) -> None:
    first, language = outcome.of_row(row), chosen(options)
    if not options.json:
        say(outcome.page(first, later, language, columns()))
        return
    word, text = outcome.verdict(first, later, language)
    sendings = [one.as_json() for one in later]
    say_json([{"call": row["id"], "first": first.as_json(), "again": sendings, "verdict": word, "text": text}])


def _agree(options: argparse.Namespace, row: Mapping[str, Any]) -> None:
    """Let the person agree before it costs money. Raises Refusal."""
    if options.yes:
        return
    question, language = cost(row, options.times), chosen(options)
    told = agreed(phrase("replay.ask", question=question).told(language))
    if told is None:
        raise InvalidCall(phrase("replay.nobody", question=question))
    if not told:
        raise Refusal(phrase("replay.not_sent"))


def cost(row: Mapping[str, Any], times: int) -> Phrase:
    """What sending the call of ROW so many times means."""
    tokens, host = float(row.get("estimate") or 0.0) * times, cell(row["host"])
    size = phrase("replay.size", tokens=f"{tokens:,.0f}") if tokens >= 1 else phrase("replay.no_size")
    often = phrase("replay.once") if times == 1 else phrase("replay.times", n=times)
    whom = phrase("replay.whom", host=host, model=cell(row["model"])) if row.get("model") else host
    return phrase("replay.cost", call=row["id"], often=often, whom=whom, size=size)
