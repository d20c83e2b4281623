"""What operations work with, and the words they share for reading parameters."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from daemon.errors import InvalidCall
from daemon.explain import Catalogue
from daemon.gateway import Gateway
from daemon.journal import Journal
from daemon.model import Origin, Priority
from daemon.operations.hub import Hub
from daemon.operations.keys import Keys
from daemon.operations.lookout import Lookout
from daemon.operations.session import Session
from daemon.pacing import Pacer
from daemon.phrases import phrase
from daemon.redact import Redactor
from daemon.usage import Budgets, PriceList

PROTOCOL = 1
"""The version of the JSON-RPC protocol. It only grows when an older client could misunderstand."""

_REF = re.compile(r"[!-~]{1,128}")

Params = Mapping[str, Any]
Result = Mapping[str, Any]


class HandOver(Protocol):
    """`hand_over(session, done=...)`: free our locks, or end when the other is DONE; returns our pid."""

    def __call__(self, session: Session, *, done: bool) -> int:
        """Do it. Raises InvalidCall, ShuttingDown."""


@dataclass(frozen=True)
class Desk:
    """The parts of the daemon that operations use."""

    gateway: Gateway
    pacer: Pacer
    catalogue: Catalogue
    journal: Journal
    redactor: Redactor
    hub: Hub
    origin_of: Callable[[str], Origin | None]
    key_of: Callable[[str], str | None]
    """The value of an environment variable of the daemon."""
    keys: Keys
    """The keys that clients have told when they were asked."""
    about: Callable[[], dict[str, Any]]
    """What the daemon says of itself: pid, socket, uptime, connections."""
    shut_down: Callable[[], None]
    reload: Callable[[], str]
    """Read the configuration again; returns what happened, in words. Raises ConfigError and changes nothing."""
    hand_over: HandOver
    """Give our place to another daemon. Raises InvalidCall, ShuttingDown."""
    lookout: Lookout | None = None
    budgets: Budgets = field(default_factory=Budgets)
    prices: PriceList = field(default_factory=PriceList)
    currency: str = "USD"
    language: str = "en"
    proxy_of: Callable[[str], str | None] = lambda url: None
    """The proxy for the URL of an origin."""
    ca_file: str | None = None
    """The certificates that are trusted; None for the system's."""


@dataclass(frozen=True)
class Operation:
    """One control operation."""

    name: str
    run: Callable[[Desk, Params, Session, Any], Awaitable[Result]]
    summary: str
    params: Mapping[str, str] = field(default_factory=dict)
    """Parameter name to what it means."""


def text_param(params: Params, name: str, default: str | None = None) -> str | None:
    """A string parameter; null counts as absent. Raises InvalidCall."""
    value = params.get(name)
    if value is None:
        return default
    if not isinstance(value, str):
        raise InvalidCall(phrase("params.text", name=name))
    return value


def language_of(desk: Desk, params: Params) -> str:
    """The language of the answer: asked for, else the daemon's. Raises InvalidCall."""
    return text_param(params, "language") or desk.language


def needed_text(params: Params, name: str) -> str:
    """A string parameter that must be there. Raises InvalidCall."""
    value = text_param(params, name)
    if not value:
        raise InvalidCall(phrase("params.missing", name=name))
    return value


def names_param(params: Params, name: str) -> list[str] | None:
    """A list of strings. Raises InvalidCall."""
    value = params.get(name)
    if value is not None and not (isinstance(value, list) and all(isinstance(one, str) for one in value)):
        raise InvalidCall(phrase("params.names", name=name))
    return value


def ref_param(params: Params) -> str | None:
    """A client's own id for its call. Raises InvalidCall."""
    ref = text_param(params, "ref")
    if ref is not None and not _REF.fullmatch(ref):
        raise InvalidCall(phrase("params.ref"))
    return ref


def number_param(
    params: Params, name: str, default: float | None = None, *, least: float = 0.0, most: float = 1e9
) -> float | None:
    """A number; a string of digits will do, since HTTP queries have no other. Raises InvalidCall."""
    value = params.get(name)
    if value is None:
        return default
    try:
        number = float(value) if isinstance(value, (str, int, float)) and not isinstance(value, bool) else None
    except (ValueError, OverflowError):
        number = None
    if number is None or not least <= number <= most:
        raise InvalidCall(phrase("params.number", name=name, least=least, most=most))
    return number


def flag_param(params: Params, name: str, default: bool = False) -> bool:
    """A true or false; the words 1, true, yes (and 0, false, no) will do. Raises InvalidCall."""
    value = params.get(name)
    if value is None:
        return default
    if isinstance(value, bool):
        return value
    word = str(value).lower()
    if word in ("1", "true", "yes", "t", ""):
        return True
    if word in ("0", "false", "no", "nil"):
        return False
    raise InvalidCall(phrase("params.flag", name=name))


def priority_param(params: Params, default: Priority) -> Priority:
    """interactive, normal or batch. Raises InvalidCall."""
    word = text_param(params, "priority")
    if word is None:
        return default
    try:
        return Priority[word.upper()]
    except KeyError:
        raise InvalidCall(phrase("params.one_of", name="priority", known="interactive, normal, batch")) from None
