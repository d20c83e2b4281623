"""`daemon check --provider openai`: is the key good, whose is it, what is left? By free questions only.

A list of models costs nothing anywhere, and is answered for a key without credit, too. Where the provider tells what is
left of the credit, that is asked as well (`account` in data/providers.yaml); elsewhere only a paid call could tell, so
the last real one speaks, from the journal.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from daemon.cli.looks import Check
from daemon.cli.safe import cell
from daemon.cli.show import number, span
from daemon.config import Config, Paths, load, origins, proxy_lookup
from daemon.errors import InvalidCall, NotFound
from daemon.explain import Catalogue
from daemon.gateway.copy import decoded
from daemon.journal import open_reader
from daemon.model import Ask, Call, Failure, Headers, Origin, Scope
from daemon.pacing.reasons import per
from daemon.phrases import phrase
from daemon.providers import Provider, load_providers
from daemon.redact import Sealed, Secret, scrub
from daemon.upstream import StreamCut, Timeouts, Upstream

MOST = 4 << 20
"""Bytes of an answer that are read."""
ORGANISATION = ("openai-organization", "anthropic-organization-id", "x-groq-organization")
SUBSCRIPTION = frozenset({"openai", "anthropic", "gemini", "xai", "mistral", "perplexity"})
"""Providers that sell a chat subscription beside the API."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    headers: Headers
    body: bytes

    def document(self) -> Any:
        """The body as JSON; None if it is none."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None


def run(paths: Paths, environ: Mapping[str, str], name: str) -> list[Check]:
    """Ask the provider NAME. Raises InvalidCall for an unknown one, ConfigError."""
    provider = load_providers().get(name)
    if provider is None or not provider.hosts or provider.models_path() is None:
        known = ", ".join(one.name for one in load_providers().values() if one.hosts and one.models_path())
        raise InvalidCall(phrase("account.unknown", name=name[:60], known=known))
    return list(_looks(paths, environ, provider))


def _looks(paths: Paths, environ: Mapping[str, str], provider: Provider) -> Iterator[Check]:
    config = load(paths.config_file, environ=environ)
    origin = _origin(config, provider)
    variable = origin.key_variable or provider.key_variable
    key = environ.get(variable or "", "")
    if not key and not provider.local:
        named = variable or "API_KEY"
        yield Check("bad", phrase("account.no_key", variable=named), phrase("account.set_key", variable=named))
        return
    timeouts = Timeouts(config.timeouts.connect_s, 30.0, 30.0)
    upstream = Upstream(timeouts, ca_file=config.ca_file, proxy_of=proxy_lookup(config, environ))
    listed, without_key, told = asyncio.run(_ask(upstream, provider, origin, key))
    open_to_all = key != "" and isinstance(without_key, Answer) and without_key.status == 200
    yield from _models(listed, open_to_all, provider, paths, environ, key)
    if isinstance(listed, Answer) and listed.status == 200:
        if isinstance(told, Answer) and told.status in (401, 403):
            yield _refused(told, provider, paths, environ, key)
            return
        yield from _account(told, provider)
        yield from _last_call(paths, origin)
        if provider.name in SUBSCRIPTION:
            yield Check("note", phrase("account.subscription", provider=provider.title))


def _origin(config: Config, provider: Provider) -> Origin:
    """Where the provider's calls go, as the user's configuration has it. Raises InvalidCall."""
    own = [upstream.host for upstream in config.upstreams if upstream.provider == provider.name]
    host = next((one for one in (*own, *(known.pattern for known in provider.hosts)) if "*" not in one), None)
    found = origins(config, load_providers())(host) if host else None
    if found is None:
        raise InvalidCall(phrase("account.no_host", provider=provider.name))
    return found


async def _ask(upstream: Upstream, provider: Provider, origin: Origin, key: str) -> list[Answer | Failure | None]:
    """The list of models with the key, and without it: where it is open to all it says nothing of the key. Then what
    is left, where that can be asked."""
    path = provider.models_path() or ""
    account = provider.account.path if provider.account else None
    try:
        return [
            await _get(upstream, provider, origin, key, path),
            await _get(upstream, provider, origin, "", path) if key else None,
            await _get(upstream, provider, origin, key, account) if account else None,
        ]
    finally:
        await upstream.close()


async def _get(upstream: Upstream, provider: Provider, origin: Origin, key: str, path: str) -> Answer | Failure:
    field, before = provider.key_header()
    headers: list[tuple[str, Sealed]] = [("Accept", Sealed("application/json"))]
    if key:
        headers.append((field, Sealed(before, Secret(key, "key"))))
    if provider.dialect == "anthropic":
        headers.append(("anthropic-version", Sealed("2023-06-01")))
    call = Call(
        id="check", origin=origin, scope=Scope(origin.host, "-", ""), method="GET", target=Sealed(path),
        headers=tuple(headers), body=b"", ask=Ask(kind="models"),
    )  # fmt: skip
    answer = await upstream.send(call)
    if isinstance(answer, Failure):
        return answer
    try:
        body = decoded(await answer.read(MOST), answer.header("Content-Encoding"))
        return Answer(answer.status, answer.headers, body)
    except StreamCut as cut:
        return cut.failure
    finally:
        answer.close()


def _models(
    answer: Answer | Failure | None,
    open_to_all: bool,
    provider: Provider,
    paths: Paths,
    environ: Mapping[str, str],
    key: str,
) -> Iterator[Check]:
    """Whether the key is good, whose it is, and what the headers say."""
    if isinstance(answer, Answer) and answer.status == 404:
        yield Check("note", phrase("account.no_list", provider=provider.title))
        return
    if not isinstance(answer, Answer) or answer.status != 200:
        yield _refused(answer, provider, paths, environ, key)
        return
    document = answer.document()
    rows = document.get("data", document.get("models")) if isinstance(document, dict) else document
    count = number(len(rows)) if isinstance(rows, list) else "?"
    if open_to_all:
        yield Check("note", phrase("account.open", provider=provider.title, n=count))
    else:
        yield Check("ok", phrase("account.good", provider=provider.title, n=count))
    fields = {name.lower(): value for name, value in answer.headers}
    for name in ORGANISATION:
        if fields.get(name):
            yield Check("ok", phrase("account.organisation", name=cell(fields[name])))
    readings = provider.read_limits(answer.status, answer.headers, time.time())
    for reading in readings:
        if reading.limit is not None:
            limit = per(reading.dimension, "day" if (reading.period_s or 60.0) >= 86400.0 else "minute")
            left = "?" if reading.remaining is None else number(reading.remaining)
            yield Check("ok", phrase("account.limit", limit=limit, amount=number(reading.limit), left=left))
    if not readings:
        yield Check("ok", phrase("account.no_limits"))


def _refused(
    answer: Answer | Failure | None, provider: Provider, paths: Paths, environ: Mapping[str, str], key: str
) -> Check:
    """The refusal in words, without KEY, which some quote."""
    if isinstance(answer, Answer):
        answer = Failure(status=answer.status, headers=answer.headers, body=answer.body, provider=provider.name)
    catalogue = Catalogue.load(paths.rules_dir)
    finding = catalogue.classify(answer or Failure(provider=provider.name))
    told = catalogue.explain(finding, language=environ.get("SLUICE_LANGUAGE") or "en")
    todo = told.actions[0] if told.actions else None
    mend = "" if todo is None else f"{todo.text}{f' ({todo.url})' if todo.url else ''}"
    return Check("bad", cell(scrub(told.line, [Secret(key, "key")] if key else [])), mend)


def _account(answer: Answer | Failure | None, provider: Provider) -> Iterator[Check]:
    """What is left of the credit, where the provider tells it for nothing."""
    account = provider.account
    if account is None:
        yield Check("ok", phrase("account.untold", provider=provider.title))
        return
    document = answer.document() if isinstance(answer, Answer) and answer.status == 200 else None
    left = _at(document, account.left)
    currency = str(_at(document, account.currency) or account.currency) if account.currency else ""
    try:
        amount = float(left)
    except (TypeError, ValueError):
        if document is not None and left is None:  # no ceiling was set, as OpenRouter says it
            yield Check("ok", phrase("account.no_ceiling"))
        else:
            yield Check("note", phrase("account.not_told", provider=provider.title))
        return
    words = phrase("account.left", amount=f"{amount:,.2f} {currency}".strip())
    yield Check("ok", words) if amount > 0 else Check("bad", words, phrase("account.add_credit"))


def _at(document: Any, path: str) -> Any:
    """The value at a dotted PATH, `balance_infos.0.total_balance`; None where there is none."""
    for part in path.split("."):
        if isinstance(document, dict):
            document = document.get(part)
        elif isinstance(document, list) and part.isdecimal() and int(part) < len(document):
            document = document[int(part)]
        else:
            return None
    return document


def _last_call(paths: Paths, origin: Origin) -> Iterator[Check]:
    """What the last real call to this host came to: it tells of credit what no free question does."""
    try:
        with open_reader(paths.state_dir) as reader:
            rows = [row for row in reader.calls(host=origin.host, limit=50) if row["state"] in ("done", "failed")]
    except NotFound:
        return
    row = next((row for row in rows if row["kind"] not in ("models", "other")), None)
    if row is None:
        return
    when = span(max(0.0, time.time() - row["started_at"]))
    if row["state"] == "done":
        yield Check("ok", phrase("account.last_good", when=when, model=cell(row["model"] or "-")))
    else:
        line = cell(row["line"] or row["subtype"] or "?")
        yield Check("note", phrase("account.last_bad", when=when, line=line), phrase("check.see_explain"))
