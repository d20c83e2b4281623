"""From a request as a door heard it to the Call that goes upstream. No I/O."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from dataclasses import field, replace
from fnmatch import fnmatchcase
from typing import Literal

from daemon.errors import InvalidCall, UnknownHost
from daemon.gateway.fields import FieldsReader, credentials, without_encodings
from daemon.gateway.wishes import NO_RULES, NO_WISH, Rules, Wish, sharing_of
from daemon.model import Ask, Call, Chat, Estimate, Headers, Origin, Priority, Scope, SealedHeaders, Sharing, noun
from daemon.phrases import phrase
from daemon.providers import Provider, asking_for_usage, near_host, provider_for
from daemon.redact import Redactor, Sealed, Secret

ExplainMode = Literal["inline", "field", "off"]

_HOST = re.compile(r"[a-z0-9._:\[\]-]{1,260}")
_ID_LETTERS = b"0123456789abcdefghjkmnpqrstvwxyz" * 8
_IDS = 64
_ready_ids: list[str] = []


@noun(frozen=True, slots=True)
class Incoming:
    """A request as a door heard it: nothing interpreted, nothing sealed."""

    host: str
    method: str
    target: str = field(repr=False)
    headers: Headers = field(repr=False)
    body: bytes = field(repr=False)
    sealed: SealedHeaders = ()
    """Further fields, with a key that the daemon holds."""
    client: str | None = None
    ref: str | None = None
    priority: Priority = Priority.NORMAL
    deadline_s: float | None = None
    language: str | None = None
    explain: ExplainMode | None = None
    wish: Wish = NO_WISH
    chat: Chat | None = None
    """The conversation, where the client handed over one."""


class Intake:
    """Builds calls: the same function for both doors."""

    def __init__(
        self,
        origin_of: Callable[[str], Origin | None],
        weigh: Callable[[Origin, Ask], Estimate],
        redactor: Redactor,
        language: str,
        explain: ExplainMode,
        wall: Callable[[], float],
        rules: Rules = NO_RULES,
    ) -> None:
        self.origin_of = origin_of
        self.weigh = weigh
        self.redactor = redactor
        self.language = language
        self.explain = explain
        self.wall = wall
        self.rules = rules
        self._fields = FieldsReader(redactor)

    def receive(self, incoming: Incoming) -> Call:
        """Build the Call. Raises UnknownHost for a host that nobody allowed."""
        origin = self.origin_of(incoming.host)
        if origin is None:
            raise unknown_host(incoming.host[:100])
        target = self.redactor.target(incoming.target)
        fields = self._fields.read(incoming.headers)
        ask = provider_of(origin).read_ask(incoming.method, incoming.target, fields.content_type, incoming.body)
        body, headers = incoming.body, fields.sealed
        if adding := asks_for_usage(origin, ask):
            body, headers = asking_for_usage(body), without_encodings(headers)
        held, keys = (*target.secrets(), *fields.secrets), fields.credentials
        if incoming.sealed:
            headers = (*headers, *incoming.sealed)
            held = (*held, *[secret for _, value in incoming.sealed for secret in value.secrets()])
            keys = (*keys, *credentials(incoming.sealed))
        ask = self._shown(ask, held)
        return Call(
            id=new_id(),
            origin=origin,
            scope=Scope(origin.host, self._key_name(target, keys), group_of(origin, ask.model)),
            method=incoming.method,
            target=target,
            headers=headers,
            body=body,
            ask=ask,
            estimate=self.weigh(origin, ask),
            client=incoming.client or fields.client,
            ref=incoming.ref,
            priority=incoming.priority,
            deadline_s=incoming.deadline_s,
            arrived_at=self.wall(),
            language=incoming.language or self.language,
            explain=incoming.explain or self.explain,
            sharing=self._sharing(incoming, origin, ask),
            movable=incoming.wish.fallback is not False,
            chat=incoming.chat,
            usage_asked=adding,
        )

    def _sharing(self, incoming: Incoming, origin: Origin, ask: Ask) -> Sharing | None:
        if self.rules.idle and incoming.wish is NO_WISH:
            return None
        return sharing_of(self.rules, incoming.wish, origin, ask, incoming.method)

    def _shown(self, ask: Ask, held: tuple[Secret, ...]) -> Ask:
        """ASK with a model that can be shown and kept: no key, which somebody may have put in its place."""
        if not ask.model:
            return ask
        clean = self.redactor.scrub(ask.model, held)
        return ask if clean == ask.model else replace(ask, model=clean)

    def _key_name(self, target: Sealed, keys: tuple[str, ...]) -> str:
        """The bucket of the credentials: the keys in the target, and what the header fields say (KEYS)."""
        names = sorted({*[secret.name for secret in target.secrets()], *keys})
        if not names:
            return "-"
        return names[0] if len(names) == 1 else self.redactor.secret("\n".join(names)).name


def new_id() -> str:
    """A call's id: short enough to be typed, 40 random bits. There are 32 letters, so five bits of a byte are fair.
    The system is asked for the bytes of many ids at once."""
    if not _ready_ids:
        letters = secrets.token_bytes(8 * _IDS).translate(_ID_LETTERS).decode()
        _ready_ids.extend([f"c{letters[at : at + 8]}" for at in range(0, len(letters), 8)])
    return _ready_ids.pop()


def group_of(origin: Origin, model: str | None) -> str:
    """The group of models that share limits: a configured one, else the model itself."""
    if model is None:
        return ""
    for name, patterns in origin.groups:
        if any(fnmatchcase(model, pattern) for pattern in patterns):
            return name
    return model


def unknown_host(host: str) -> UnknownHost:
    """The refusal for a host that nobody allowed: which known one may have been meant, and how to allow it."""
    near = near_host(host)
    if near:
        return UnknownHost(phrase("refused.unknown_host_near", host=host, near=near), host=host)
    return UnknownHost(phrase("refused.unknown_host", host=host), host=host)


def provider_of(origin: Origin) -> Provider:
    """The provider that ORIGIN names; the configuration was checked for it when it was loaded."""
    provider = provider_for(origin.provider)
    if provider is None:
        raise UnknownHost(phrase("refused.unknown_provider", provider=origin.provider, host=origin.host))
    return provider


def asks_for_usage(origin: Origin, ask: Ask) -> bool:
    """True if we add `stream_options.include_usage` and take the extra chunk out again (setting `include_usage`)."""
    return origin.include_usage and ask.kind == "chat" and ask.stream and not ask.wants_usage


def named(host: str) -> str:
    """HOST in lower case. Raises InvalidCall for what is no name or address: the key in `user:key@host` is not told."""
    name = host.strip().lower()
    if not _HOST.fullmatch(name):
        raise InvalidCall(phrase("http.host"))
    return name
