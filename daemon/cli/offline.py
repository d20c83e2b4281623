"""What the command line can answer from the journal alone, when no daemon runs. Reads only."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Mapping
from typing import Any

from daemon.cli.client import address
from daemon.config import Paths, load, origins
from daemon.curl import call_as
from daemon.curl.har import answered
from daemon.errors import ConfigError, NotFound
from daemon.journal import Reader, call_from_row, open_reader
from daemon.model import Call, Origin
from daemon.providers import load_providers, provider_for


class NoJournal(NotFound):
    """There is no journal, or none that can be read."""


def answer(paths: Paths, method: str, params: Mapping[str, Any]) -> Any:
    """Answer `calls`, `show`, `curl`, `explain`, `report`. Raises NoJournal, NotFound, InvalidCall."""
    try:
        reader = open_reader(paths.state_dir)
    except NotFound as refusal:
        raise NoJournal(refusal.message) from None
    try:
        with reader:
            return _read(reader, paths, method, params)
    except sqlite3.Error as error:
        raise NoJournal(
            f"the journal in {paths.state_dir} cannot be read: {error}; the daemon mends it when it starts"
        ) from None


def _read(reader: Reader, paths: Paths, method: str, params: Mapping[str, Any]) -> Any:
    if method == "calls":
        return {"calls": reader.calls(**params)}
    row = reader.call(str(params["call"]))
    if row is None:
        raise NotFound(f"the journal has no call {params['call']!r}; `daemon calls` lists those it has")
    if method == "show":
        return row
    form, shell = params.get("format") or "curl", params.get("shell") or "posix"
    command = _curl(paths, row, via_daemon=bool(params.get("via_daemon")), form=form, shell=shell)
    if method == "explain":
        return _explained(row, command, params.get("language"))
    if method == "report":
        from daemon.cli.reporting import from_journal

        return from_journal(reader, row, command, params.get("language"), paths.rules_dir)
    if command is None:
        raise NotFound(
            f"call {row['id']} was not kept with its body, so it cannot be repeated; "
            "the setting journal.bodies says which bodies are kept (failed, all or none)"
        )
    return {"call": row["id"], "command": command}


def _curl(paths: Paths, row: Mapping[str, Any], *, via_daemon: bool, form: str, shell: str) -> str | None:
    kept = call_from_row(row)
    if kept is None:
        return None
    return call_as(
        kept.call,
        form,
        shell,
        key_variable=key_variable(paths, kept.call),
        body_file=kept.body_file,
        via_socket=str(address(paths)) if via_daemon else None,
        comment=kept.comment,
        answered=answered(row),
    )


def key_variable(paths: Paths, call: Call) -> str | None:
    """The environment variable with the key for CALL, as far as the configuration and the providers say."""
    origin, provider = _origin(paths, call.origin.host), provider_for(call.origin.provider)
    return (origin.key_variable if origin else None) or (provider.key_variable if provider else None)


def _origin(paths: Paths, host: str) -> Origin | None:
    """What the configuration says of HOST; nothing when it is wrong: the command is right without it."""
    try:
        return origins(load(paths.config_file, environ=os.environ), load_providers())(host)
    except ConfigError:
        return None


def _explained(row: Mapping[str, Any], command: str | None, language: str | None) -> dict[str, Any]:
    from daemon.explain import Catalogue

    catalogue = Catalogue.load()
    told = catalogue.retold(row, language)
    answer: dict[str, Any] = {"call": row["id"], "ref": row.get("ref"), "explanation": None, "curl": command}
    if told is None:
        text = f"Call {row['id']} has not failed, so there is nothing to explain. See it with: daemon calls {row['id']}"
        return {**answer, "text": text}
    text, short = catalogue.render(told, curl=command), catalogue.short(told)
    return {**answer, "explanation": told.as_json(), "short": short, "text": text}
