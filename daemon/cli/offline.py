"""What the command line can answer from the journal alone, when no daemon runs. Reads only.

A list needs nothing but the journal: what a curl command needs is imported where it is made.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from daemon.cli.client import address
from daemon.config import Paths
from daemon.errors import ConfigError, NotFound
from daemon.journal.reader import Reader, missing, open_reader, which, without_explanation
from daemon.model import Call, Origin
from daemon.phrases import phrase, told
from daemon.redact import Redactor


class NoJournal(NotFound):
    """There is no journal, or none that can be read."""


def answer(paths: Paths, method: str, params: Mapping[str, Any]) -> Any:
    """Answer `calls`, `show`, `curl`, `explain`, `report`. Raises NoJournal, NotFound, InvalidCall."""
    try:
        reader = open_reader(paths.state_dir)
    except NotFound as refusal:
        raise NoJournal(refusal.message) from None
    with reader:
        try:
            return _read(reader, paths, method, params)
        except sqlite3.Error as error:
            raise NoJournal(phrase("journal.unreadable", folder=str(paths.state_dir), why=str(error))) from None


def _read(reader: Reader, paths: Paths, method: str, params: Mapping[str, Any]) -> Any:
    if method == "calls":
        return {"calls": reader.calls(**{name: value for name, value in params.items() if name != "language"})}
    if method == "usage":
        return _usage(reader, paths, params)
    row = reader.call(str(params["call"]))
    if row is None:
        raise missing(str(params["call"]))
    if method == "show":
        return told(row, str(params.get("language") or "en"))
    form, shell = params.get("format") or "curl", params.get("shell") or "posix"
    language = str(params.get("language") or "en")
    through, apart = bool(params.get("via_daemon")), method == "report"
    command = _curl(paths, row, language, via_daemon=through, form=form, shell=shell, body_in_file=apart)
    if method == "explain":
        return _explained(row, command, params.get("language"))
    if method == "report":
        from daemon.cli.reporting import from_journal

        return from_journal(reader, row, command, params.get("language"), paths.rules_dir)
    if command is None:
        from daemon.journal.rebuild import not_kept

        raise not_kept(row)
    return {"call": row["id"], "command": command}


def _usage(reader: Reader, paths: Paths, params: Mapping[str, Any]) -> dict[str, Any]:
    from daemon.config import load
    from daemon.usage import Budgets, PriceList, since_day, summary

    config = load(paths.config_file, environ=os.environ)
    prices = PriceList(config.prices)
    budgets = Budgets(config.budgets, prices, currency=config.currency)
    budgets.load(reader.ledger(budgets.first_day()))
    first = since_day(float(params["since_s"]), time.time())
    added = summary(reader.ledger(first), str(params["by"]), prices)
    about = {"since": first, "currency": config.currency, "prices_of": prices.newest()}
    return {**added, **about, "budgets": told(budgets.states(), str(params.get("language") or "en"))}


def _curl(
    paths: Paths, row: Mapping[str, Any], language: str, *, via_daemon: bool, form: str, shell: str, body_in_file: bool
) -> str | None:
    from daemon.curl import call_as
    from daemon.curl.har import answered
    from daemon.journal.rebuild import call_from_row, moved

    kept = call_from_row(row)
    if kept is None:
        return None
    known = Known(paths)
    kept = moved(kept, known.origin_of(kept.call), None)
    proxy, ca_file = known.way_of(kept.call)
    return call_as(
        kept.call,
        form,
        shell,
        key_variable=known.key_variable(kept.call),
        body_file=kept.body_file,
        body_in_file=body_in_file,
        via_socket=str(address(paths)) if via_daemon else None,
        comment=kept.comment,
        answered=answered(row),
        language=language,
        proxy=proxy,
        ca_file=ca_file,
    )


class Known:
    """What the configuration and the environment say of calls, read once. Nothing where the configuration is wrong: a
    command is right without it."""

    def __init__(self, paths: Paths) -> None:
        from daemon.config import load, origins, proxy_lookup
        from daemon.providers import load_providers

        self._name = _redactor(paths).secret
        self._origin_of: Callable[[str], Origin | None] = lambda host: None
        self._proxy_of: Callable[[str], str | None] = lambda url: None
        self._ca_file: str | None = None
        with suppress(ConfigError):
            config = load(paths.config_file, environ=os.environ)
            self._origin_of = origins(config, load_providers())
            self._proxy_of = proxy_lookup(config, os.environ)
            self._ca_file = str(config.ca_file) if config.ca_file else None

    def origin_of(self, call: Call) -> Origin | None:
        """Where a daemon would send CALL by its host."""
        return self._origin_of(call.origin.host)

    def key_variable(self, call: Call) -> str | None:
        """The environment variable with the key for CALL."""
        from daemon.curl.variable import key_variable_of
        from daemon.providers import provider_for

        provider = provider_for(call.origin.provider)
        usual = provider.key_variable if provider else None
        return key_variable_of(call, self._origin_of(call.origin.host), usual, os.environ.get, self._name)

    def way_of(self, call: Call) -> tuple[str | None, str | None]:
        """The proxy and the certificates with which a daemon would send CALL."""
        return self._proxy_of(call.origin.url), self._ca_file


def _redactor(paths: Paths) -> Redactor:
    """Names keys as the daemon does. Without its secret, which is not made here, no name fits."""
    try:
        return Redactor((paths.state_dir / "install-secret").read_bytes())
    except OSError:
        return Redactor(b"")


def _explained(row: Mapping[str, Any], command: str | None, language: str | None) -> dict[str, Any]:
    from daemon.explain import Catalogue

    catalogue = Catalogue.load()
    told = catalogue.retold(row, language, now=time.time())
    answer: dict[str, Any] = {**which(row), "explanation": None, "curl": command}
    if told is None:
        return {**answer, "text": without_explanation(row).told(language or "en")}
    text, short = catalogue.render(told, curl=command), catalogue.short(told)
    return {**answer, "explanation": told.as_json(), "short": short, "text": text}
