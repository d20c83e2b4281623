"""A call written for another host or model. The key that came with it stays behind: it is nobody else's business."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from daemon.errors import InvalidCall
from daemon.fallback import Place
from daemon.gateway.intake import asks_for_usage, group_of, provider_of
from daemon.model import Ask, Call, Estimate, Origin, Scope, SealedHeaders
from daemon.providers import Provider, asking_for_usage, can_move, path_at, path_with_model, provider_for, with_model
from daemon.redact import Redactor, Sealed

TRAVELS = frozenset(
    {
        "content-type",
        "accept",
        "accept-language",
        "accept-encoding",
        "user-agent",
        "anthropic-version",
        "anthropic-beta",
    }
)
"""Fields that go to another host. By list: in any other one there may be something that is meant for the first host."""


@dataclass(frozen=True, slots=True)
class PassedOver:
    """A place to which the call cannot go, and why: a variable that is not set, or nothing that could be mended."""

    host: str
    model: str
    variable: str | None = None


@dataclass(frozen=True, slots=True)
class Mover:
    """Writes calls anew."""

    origin_of: Callable[[str], Origin | None]
    weigh: Callable[[Origin, Ask], Estimate]
    redactor: Redactor
    key_of: Callable[[str], str | None]
    """The value of an environment variable."""

    def can_move(self, call: Call) -> bool:
        """True if another model could answer CALL, and its client does not mind."""
        return call.movable and can_move(call.method, path_of(call), call.ask.kind)

    def moved(self, call: Call, place: Place) -> Call | PassedOver:
        """CALL for PLACE."""
        host = place.host or call.origin.host
        origin = self.origin_of(host)
        if origin is None:
            return PassedOver(host, place.model)
        if host == call.origin.host:
            return self._renamed(call, place.model) or PassedOver(host, place.model)
        written = self._written(call, origin, provider_of(origin), place.model)
        if written is None:
            return PassedOver(host, place.model)
        return self._with_key(written, origin) or PassedOver(host, place.model, variable_of(origin))

    def _renamed(self, call: Call, model: str) -> Call | None:
        """Another model of the same host, with the same key."""
        path = path_with_model(path_of(call), model)
        body = with_model(call.body, model)
        if body is None and path == path_of(call):
            return None
        first, *rest = call.target.parts
        target = Sealed(path + str(first)[len(path_of(call)) :], *rest)
        return self._for(replace(call, target=target, body=call.body if body is None else body), call.origin, model)

    def _written(self, call: Call, origin: Origin, provider: Provider, model: str) -> Call | None:
        """CALL as PROVIDER takes it, without any key; None if that cannot be."""
        if self.redactor.scrub_bytes(call.body, call.secrets()) != call.body:
            return None  # a key stands in it
        if call.chat is not None:
            return self._rewritten(call, origin, provider, model)
        path = path_at(provider, path_of(call), model)
        body = with_model(call.body, model)
        if path is None or (body is None and path == path_of(call)):
            return None
        query = "?alt=sse" if "alt=sse" in str(call.target).partition("?")[2].split("&") else ""
        fields: SealedHeaders = tuple(
            (name, value) for name, value in call.headers if name.lower() in TRAVELS and not value.secrets()
        )
        sent = replace(call, target=Sealed(path + query), headers=fields, body=call.body if body is None else body)
        return self._for(self._asking(sent, origin), origin, model)

    def _rewritten(self, call: Call, origin: Origin, provider: Provider, model: str) -> Call | None:
        """A normalised conversation in the words of any API. Fields of one API mean nothing in another."""
        if call.chat is None:
            return None
        same = provider.dialect == provider_of(call.origin).dialect
        chat = replace(call.chat, model=model, extra=call.chat.extra if same else {})
        try:
            request = provider.chat_request(chat)
        except InvalidCall:
            return None
        headers = tuple((name, Sealed(value)) for name, value in request.headers)
        ask = provider.read_ask(request.method, request.target, "application/json", request.body)
        sent = replace(
            call, method=request.method, target=Sealed(request.target), headers=headers, body=request.body, ask=ask,
            usage_asked=False,
        )  # fmt: skip
        return self._for(self._asking(sent, origin), origin, model)

    def _asking(self, call: Call, origin: Origin) -> Call:
        """CALL with the question for usage, where ORIGIN wants it and it is not there yet."""
        if call.usage_asked or not asks_for_usage(origin, call.ask):
            return call
        headers = tuple(pair for pair in call.headers if pair[0].lower() != "accept-encoding")
        return replace(call, body=asking_for_usage(call.body), headers=headers, usage_asked=True)

    def _for(self, call: Call, origin: Origin, model: str) -> Call:
        """The rest that follows from where it goes."""
        ask = replace(call.ask, model=model)
        key = call.scope.key if origin.host == call.origin.host else "-"
        sharing = call.sharing and replace(
            call.sharing, cache="off"
        )  # it is not the answer of the model that was asked
        return replace(
            call, origin=origin, ask=ask, scope=Scope(origin.host, key, group_of(origin, model)),
            estimate=self.weigh(origin, ask), sharing=sharing, way=None,
        )  # fmt: skip

    def _with_key(self, call: Call, origin: Origin) -> Call | None:
        """CALL with the other host's own key, if it needs one; None if that is not in the environment."""
        variable = variable_of(origin)
        if variable is None or origin.ways:
            return call
        key = self.key_of(variable)
        if not key:
            return None
        secret = self.redactor.secret(key)
        name, prefix = provider_of(origin).key_header()
        header = (name, Sealed(prefix, secret) if prefix else Sealed(secret))
        scope = replace(call.scope, key=secret.name)
        return replace(call, headers=(*call.headers, header), scope=scope)


def path_of(call: Call) -> str:
    """The path of CALL's target, which holds no secret."""
    return str(call.target).partition("?")[0]


def variable_of(origin: Origin) -> str | None:
    """The environment variable with the key for ORIGIN; None for a server that wants none.

    A relay that speaks a provider's API is not that provider: it gets a key only if its own variable is named.
    """
    known = provider_for(origin.host)
    return origin.key_variable or (known.key_variable if known is not None else None)
