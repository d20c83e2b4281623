"""`daemon forget`: deletes calls for good, by the running daemon, or in its place when none runs."""

from __future__ import annotations

import argparse
from typing import Any

from daemon.cli.client import NotRunning, Silent, ask
from daemon.cli.language import chosen
from daemon.cli.options import paths
from daemon.cli.terminal import agreed, say_json, say_text
from daemon.errors import InvalidCall, Refusal
from daemon.journal import Which, forget_offline, open_reader
from daemon.operations.forgetting import as_result, question, which_of
from daemon.phrases import phrase

PATIENCE_S = 600.0
"""How long it may take: the file is written anew."""


def run(options: argparse.Namespace) -> None:
    """Ask, delete, and tell. Raises Refusal when nobody agreed, or when nothing can be deleted."""
    asked = {"calls": options.calls or None, "before": options.before, "all": options.all, "bodies": options.bodies}
    params = {**asked, "language": chosen(options)}
    which_of(params)  # refuses what is wrong before anything is asked
    try:
        answer = _through(options, params)
    except Silent:  # it holds the journal
        raise
    except NotRunning:
        answer = _alone(options, params)
    if options.json:
        say_json([answer])
    else:
        say_text(answer["text"].split("\n"))


def _through(options: argparse.Namespace, params: dict[str, Any]) -> Any:
    where = paths(options)
    found = ask(where, "forget", {**params, "dry_run": True}, timeout_s=PATIENCE_S)
    _agree(options, found["calls"], found["text"])
    return ask(where, "forget", params, timeout_s=PATIENCE_S)


def _alone(options: argparse.Namespace, params: dict[str, Any]) -> Any:
    folder, language = paths(options).state_dir, chosen(options)
    with open_reader(folder) as reader:
        which: Which = which_of(params)(reader)
        n = reader.count(which, open_too=True)
    _agree(options, n, question(n, which).told(language))
    return as_result(forget_offline(folder, which), which, language)


def _agree(options: argparse.Namespace, n: int, what: str) -> None:
    """Let the person agree before it is gone. Raises Refusal."""
    if options.yes or not n:
        return
    told = agreed(phrase("forget.ask", what=what).told(chosen(options)))
    if told is None:
        raise InvalidCall(phrase("forget.nobody", what=what))
    if not told:
        raise Refusal(phrase("forget.not_done"))
