"""When are two calls the same? A name made of everything that the answer depends on, and of no secret."""

from __future__ import annotations

import re
from hashlib import blake2b

from daemon.model import Call

_SAYS_NOTHING = re.compile(
    r"(?i)^(user-agent|x-stainless-.*|traceparent|tracestate|baggage|x-request-id|x-client-request-id|x-correlation-id"
    r"|sentry-trace|priority)$"
)
"""Header fields that differ from call to call and change nothing in the answer: which program asks, and its tracing."""


def name_of(call: Call) -> str:
    """The name of CALL and of all that are identical to it: origin, key, method, target, header fields and body. Who
    asked for usage has it in the answer; where we have asked for it, it is taken out again."""
    asked_by_us = ["usage_asked"] if call.usage_asked else []
    return _digest([*_about(call), *asked_by_us], call.body)


def kin_of(call: Call, others: str) -> str:
    """The same for calls that may differ in their input: OTHERS are all other fields of the body."""
    fields = [line for line in _about(call) if not line.lower().startswith("accept-encoding:")]
    return _digest(fields, others.encode("utf-8", "surrogatepass"))


def _about(call: Call) -> list[str]:
    """All but the body. Secrets show as the names of their buckets: equal for equal keys, and no key can be guessed
    from them."""
    origin, scope = call.origin, call.scope
    fields = sorted(f"{name.lower()}: {value}" for name, value in call.headers if not _SAYS_NOTHING.match(name))
    return [origin.host, origin.url, origin.provider, scope.key, scope.group, call.method, str(call.target), *fields]


def _digest(lines: list[str], rest: bytes) -> str:
    """32 hex digits. Each piece is told with its length, so that nothing can be moved from one into the next."""
    digest = blake2b(digest_size=16)
    for piece in (*(line.encode("utf-8", "surrogatepass") for line in lines), rest):
        digest.update(b"%d:" % len(piece))
        digest.update(piece)
    return digest.hexdigest()
