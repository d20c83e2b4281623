"""One call straight to its provider, without the daemon: by the same upstream, read with the same eyes."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from daemon.cli.outcome import Outcome
from daemon.config import Paths, load, proxy_lookup
from daemon.curl.fields import Field
from daemon.curl.request import Plain
from daemon.explain import Catalogue
from daemon.gateway.copy import Copy, decoded, status_inside
from daemon.journal.rows import stated
from daemon.model import Call, Failure
from daemon.providers import Provider, provider_for
from daemon.redact import Sealed, Secret, scrub
from daemon.upstream import Response, StreamCut, Timeouts, Upstream

MOST = 1 << 20
"""Bytes of a failure's body that are looked at."""


def send(paths: Paths, plain: Plain, key: str, times: int) -> Sequence[Outcome]:
    """Send PLAIN with KEY so many times, one after the other. Raises ConfigError."""
    config = load(paths.config_file, environ=os.environ)
    timeouts = Timeouts(config.timeouts.connect_s, config.timeouts.first_byte_s, config.timeouts.idle_s)
    upstream = Upstream(timeouts, ca_file=config.ca_file, proxy_of=proxy_lookup(config, os.environ))
    catalogue = Catalogue.load(paths.rules_dir)
    return asyncio.run(_send(upstream, catalogue, filled(plain, key), config.language, times))


async def _send(upstream: Upstream, catalogue: Catalogue, call: Call, language: str, times: int) -> Sequence[Outcome]:
    try:
        return [await once(upstream, catalogue, call, language) for _ in range(times)]
    finally:
        await upstream.close()


def filled(plain: Plain, key: str) -> Call:
    """The call with KEY in its place, sealed, and with what the environment has of values that were not kept."""
    secret = Secret(key, "key")
    headers = tuple((one.name, _value(one, secret)) for one in plain.sendable(os.environ.get))
    return replace(plain.call, target=Sealed(plain.target), headers=headers, body=plain.body)


def _value(one: Field, key: Secret) -> Sealed:
    if one.own is not None:
        return Sealed(Secret(os.environ[one.own], one.own))
    return Sealed(one.before, key, one.after) if one.keyed else Sealed(one.before)


async def once(upstream: Any, catalogue: Catalogue, call: Call, language: str = "en") -> Outcome:
    """Send CALL and read the answer to its end."""
    began = time.monotonic()
    answer = await upstream.send(call)
    status = answer.status
    limits: tuple[dict[str, Any], ...] = ()
    failure: Failure | None
    if isinstance(answer, Failure):
        failure = answer
    else:
        provider = provider_for(call.origin.provider)
        readings = provider.read_limits(status, answer.headers, time.time()) if provider else ()
        limits = tuple(stated(one) for one in readings)
        failure = await _failure(answer, call, provider)
        answer.close()
    seconds = time.monotonic() - began
    if failure is None:
        return Outcome(status, None, limits=limits, seconds=seconds)
    told = catalogue.explain(catalogue.classify(failure), language=language)
    line = scrub(told.line, call.secrets())
    return Outcome(failure.status, told.finding.subtype, line, limits, seconds)


async def _failure(answer: Response, call: Call, provider: Provider | None) -> Failure | None:
    """What went wrong in ANSWER; None for a success, also when its body is read to the end."""
    about: dict[str, Any] = {"host": call.origin.host, "provider": call.origin.provider, "model": call.model}
    encoding = answer.header("Content-Encoding")
    try:
        if answer.status >= 400:
            body = decoded(await answer.read(MOST), encoding)
            return Failure(status=answer.status, headers=answer.headers, body=body, **about)
        stream = provider.stream_reader(call.ask) if provider and call.stream else None
        copy = Copy(stream, lambda body: None, encoding)
        async for chunk in answer.chunks():
            copy.feed(chunk)
    except StreamCut as cut:
        return cut.failure
    inside = copy.error_inside()
    if inside is not None:
        return Failure(status=status_inside(inside), headers=answer.headers, body=inside, **about)
    return None if copy.complete else Failure(status=answer.status, fault="truncated", sent=True, **about)
