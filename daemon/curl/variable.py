"""Which environment variable holds the key of a call: for a command, and for sending the call again."""

from __future__ import annotations

from collections.abc import Callable

from daemon.model import Call, Origin
from daemon.redact import Secret


def key_variable_of(
    call: Call,
    origin: Origin | None,
    fallback: str | None,
    key_of: Callable[[str], str | None],
    name: Callable[[str], Secret],
) -> str | None:
    """The variable, as far as anybody knows.

    ORIGIN is what the configuration says of the call's host, FALLBACK the provider's usual variable. Of several keys
    for one host it is the one that the call went with: it says so itself, or the names of its secrets do. KEY_OF: the
    value of an environment variable. NAME: seals a key under its bucket name.
    """
    if call.way is not None and call.way.variable:
        return call.way.variable
    names = {secret.name for secret in call.secrets()}
    for way in origin.ways if origin is not None else ():
        key = key_of(way.variable) if way.variable else None
        if key and name(key).name in names:
            return way.variable
    return (origin.key_variable if origin is not None else None) or fallback
