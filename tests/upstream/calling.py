"""Calls to a raw server, and what came of them."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

from daemon.model import Ask, Call, Failure, Origin, Scope
from daemon.redact import Redactor
from daemon.upstream import Response, Timeouts, Upstream

KEY = "CANARY-upstream-key-0123456789"
REDACTOR = Redactor(b"test")
PATIENT = Timeouts(connect_s=3, first_byte_s=3, idle_s=3)
SHORT = Timeouts(connect_s=3, first_byte_s=0.05, idle_s=0.05)


@contextlib.asynccontextmanager
async def sender(
    timeouts: Timeouts = PATIENT, proxy_of: Callable[[str], str | None] | None = None, ca_file: Path | None = None
) -> AsyncIterator[Upstream]:
    """An Upstream that is closed."""
    upstream = Upstream(timeouts, proxy_of=proxy_of, ca_file=ca_file)
    yield upstream
    await upstream.close()


def call_to(port: int, method: str = "POST", target: str = "/v1/chat/completions", **more: Any) -> Call:
    """A call to the raw server."""
    origin = Origin("api.example.com", more.pop("url", f"http://127.0.0.1:{port}"), "openai")
    pairs = more.pop("headers", (("Authorization", f"Bearer {KEY}"),))
    return Call(
        id="c1",
        origin=origin,
        scope=Scope(origin.host, "-", ""),
        method=method,
        target=REDACTOR.target(target),
        headers=tuple((name, REDACTOR.header(name, value)) for name, value in pairs),
        body=more.pop("body", b"{}"),
        ask=Ask(model="m"),
    )


def answered(outcome: Response | Failure) -> Response:
    """OUTCOME if it is an answer."""
    assert isinstance(outcome, Response), outcome
    return outcome


def failed(outcome: Response | Failure) -> Failure:
    """OUTCOME if it is a failure; none may hold the key."""
    assert isinstance(outcome, Failure), outcome
    assert KEY not in repr(outcome)
    return outcome
