"""Operations that send: `chat` (a conversation for any provider) and `call` (a raw request)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import aclosing
from typing import Any

from daemon.errors import InvalidCall, Refusal
from daemon.gateway import NO_WISH, Incoming, Wish, named
from daemon.gateway.copy import status_inside
from daemon.gateway.telling import without_keys
from daemon.model import (
    CacheUse,
    Call,
    Chat,
    Explanation,
    Failure,
    Headers,
    Message,
    Priority,
    Reply,
    SealedHeaders,
)
from daemon.operations.desk import (
    Desk,
    Params,
    Result,
    flag_param,
    needed_text,
    number_param,
    priority_param,
    ref_param,
    text_param,
)
from daemon.operations.session import Session
from daemon.phrases import phrase, told
from daemon.providers import Provider, StreamReader, near_host, provider_for
from daemon.redact import Sealed
from daemon.upstream import StreamCut, failure_of

_ROLES = ("system", "user", "assistant")
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
_TARGET = re.compile(r"[!-~]+")
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


class CallFailed(Refusal):
    """The upstream refused the call, or it was lost. `facts` hold the explanation and the call's id."""

    code = "call_failed"

    def __init__(self, call: Call, explanation: Explanation, status: int | None) -> None:
        super().__init__(explanation.line, call=call.id, status=status, explanation=explanation.as_json())
        self.subtype = explanation.finding.subtype


async def chat(desk: Desk, params: Params, session: Session, tag: Any) -> Result:
    """Send a conversation; stream its text as `delta` notifications; return text and usage."""
    provider, host = whom(desk, params)
    chat = chat_of(params)
    request = provider.chat_request(chat)
    given = key_header(desk, provider, host, params)
    held = () if given else await held_key_header(desk, provider, host, params, session)
    incoming = Incoming(
        host=host,
        method=request.method,
        target=checked_target(request.target),
        headers=(*request.headers, *given),
        sealed=held,
        body=request.body,
        chat=chat,
        **about_the_client(params, Priority.INTERACTIVE),
    )
    call = desk.gateway.receive(incoming)
    try:
        reply = await send_watched(desk, call, session, tag)
    except CallFailed as failed:
        if held and failed.subtype == "invalid_api_key":
            desk.keys.forget(host)  # the next call asks again, and gets the one that was mended meanwhile
        raise
    async with aclosing(_closing(reply)):
        answered = reply.call
        theirs = provider_for(answered.origin.provider) or provider
        text, finish, usage = await read_chat(desk, theirs, answered, reply, session, tag)
    return {
        "id": call.id,
        "text": text,
        "finish": finish,
        "usage": usage,
        "model": answered.model,
        "host": answered.origin.host,
    }


async def send_watched(desk: Desk, call: Call, session: Session, tag: Any) -> Reply:
    """Send CALL, tell the session each state, and raise CallFailed for a failure."""

    def tell(state: Mapping[str, Any]) -> None:
        session.notify("state", {"id": tag, **told(dict(state), call.language or desk.language)})

    desk.hub.watch(call.id, tell)
    try:
        reply = await desk.gateway.send(call)
        if reply.catch_up is not None:
            reply.catch_up()  # the states come before the text
    finally:
        desk.hub.unwatch(call.id)
    if reply.explanation is not None:
        await _closing(reply).aclose()
        raise CallFailed(call, reply.explanation, reply.status)
    return reply


async def read_chat(
    desk: Desk, provider: Provider, call: Call, reply: Reply, session: Session, tag: Any
) -> tuple[str, str | None, dict[str, int] | None]:
    """The text of a chat's answer, its finish reason and usage, streamed as it comes."""
    parts: list[bytes] = []
    texts: list[str] = []
    reader = provider.stream_reader(call.ask) if call.stream else None
    try:
        async for chunk in reply.chunks:
            if reader is None:
                parts.append(chunk)
                continue
            reader.feed(chunk)
            for text in reader.take_text():
                texts.append(text)
                session.delta(tag, call.id, text)
    except StreamCut as cut:
        raise failed(desk, call, cut.failure, reply.status) from None
    if reader is not None:
        broken = failure_in_stream(call, reader)
        if broken is not None:
            raise failed(desk, call, broken, broken.status)
        usage = reader.usage
        return "".join(texts), reader.finish, None if usage is None else {"input": usage.input, "output": usage.output}
    body = b"".join(parts)
    text, finish = provider.chat_answer(body)
    usage = provider.read_usage(body)
    return text, finish, None if usage is None else {"input": usage.input, "output": usage.output}


def failed(desk: Desk, call: Call, failure: Failure, status: int | None) -> CallFailed:
    """FAILURE of CALL in words; a key that the upstream quotes is not among them."""
    clean = without_keys(desk.catalogue.classify(failure), call, desk.redactor)
    return CallFailed(call, desk.catalogue.explain(clean, language=call.language or "en"), status)


def failure_in_stream(call: Call, reader: StreamReader) -> Failure | None:
    """What went wrong in a stream after its beginning; None for a proper end."""
    if reader.error is not None:
        return Failure(
            status=status_inside(reader.error),
            body=reader.error,
            host=call.origin.host,
            provider=call.origin.provider,
            model=call.model,
            sent=True,
        )
    if not reader.ended:
        return failure_of(call, "truncated", phrase("fault.no_mark"), sent=True)
    return None


async def raw_call(desk: Desk, params: Params, session: Session, tag: Any) -> Result:
    """Send a raw HTTP request through the daemon; return its whole answer."""
    url = needed_text(params, "url")
    scheme, _, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    if scheme not in ("http", "https") or not host:
        raise InvalidCall(phrase("params.url"))
    host = named(host)
    headers = params.get("headers") or {}
    pairs = list(headers.items()) if isinstance(headers, dict) else headers
    if not isinstance(pairs, list) or not all(
        isinstance(pair, (list, tuple)) and len(pair) == 2 and all(isinstance(part, str) for part in pair)
        for pair in pairs
    ):
        raise InvalidCall(phrase("params.headers"))
    incoming = Incoming(
        host=host,
        method=method_of(params),
        target=checked_target(slash + path or "/"),
        headers=checked_headers(tuple((name, value) for name, value in pairs)),
        body=(text_param(params, "body") or "").encode("utf-8", "replace"),
        **about_the_client(params, Priority.NORMAL),
    )
    call = desk.gateway.receive(incoming)
    reply = await send_watched(desk, call, session, tag)
    body = b""
    async with aclosing(_closing(reply)):
        try:
            async for chunk in reply.chunks:
                body += chunk
        except StreamCut as cut:
            raise failed(desk, call, cut.failure, reply.status) from None
    return {
        "id": call.id,
        "status": reply.status,
        "reason": reply.reason,
        "headers": [list(pair) for pair in reply.headers],
        "body": body.decode("utf-8", "replace"),
    }


def method_of(params: Params) -> str:
    """The HTTP method. Raises InvalidCall."""
    method = (text_param(params, "method") or "GET").upper()
    if method not in _METHODS:
        raise InvalidCall(phrase("params.one_of", name="method", known=", ".join(_METHODS)))
    return method


def checked_target(target: str) -> str:
    """TARGET if it can stand in a request line. Raises InvalidCall: a space or a line break would end it there."""
    if not _TARGET.fullmatch(target):
        raise InvalidCall(phrase("params.url_letters"))
    return target


def checked_headers(headers: Headers) -> Headers:
    """HEADERS if each can stand in an HTTP request. Raises InvalidCall: a line break would smuggle a second header."""
    for name, value in headers:
        if not _NAME.fullmatch(name) or _CONTROL.search(value):
            raise InvalidCall(phrase("params.header_letters", name=name[:60]))
    return headers


def whom(desk: Desk, params: Params) -> tuple[Provider, str]:
    """The provider and host that a chat is for."""
    host, name = text_param(params, "host"), text_param(params, "provider")
    if host is None and name is None:
        raise InvalidCall(phrase("params.whom"))
    if host is None:
        known = provider_for(name or "")
        fixed = [one.pattern for one in known.hosts if "*" not in one.pattern] if known is not None else []
        if not fixed:
            raise InvalidCall(phrase("params.many_hosts", name=str(name)))
        host = fixed[0]
    host = named(host)
    origin = desk.origin_of(host)
    provider = provider_for(origin.provider if origin is not None else host)
    if provider is None:
        near = near_host(host)
        raise InvalidCall(
            phrase("params.host_near", host=host, near=near) if near else phrase("params.host", host=host)
        )
    return provider, host


def key_header(desk: Desk, provider: Provider, host: str, params: Params) -> Headers:
    """The header with the key: given with the call, else from the daemon's environment, else none."""
    origin = desk.origin_of(host)
    if origin is not None and origin.ways and not params.get("key"):
        return ()  # one of several keys is chosen when it goes
    variable = key_variable(desk, provider, host)
    key = text_param(params, "key") or (desk.key_of(variable) if variable else None)
    if not key:
        return ()
    name, prefix = provider.key_header()
    return checked_headers(((name, prefix + key),))


async def held_key_header(
    desk: Desk, provider: Provider, host: str, params: Params, session: Session
) -> SealedHeaders:  # fmt: skip
    """The header with the key that the client tells when it is asked, or has told before. Raises NoKey.

    Nobody is asked for servers of the user's own, of which many want no key.
    """
    origin, known = desk.origin_of(host), provider_for(host)
    if origin is not None and origin.ways:
        return ()
    if not (origin is not None and origin.key_variable) and (known is None or known.local):
        return ()
    about = {"variable": key_variable(desk, provider, host), "client": text_param(params, "client")}
    secret = await desk.keys.of(host, session, about)
    if secret is None:
        return ()
    name, prefix = provider.key_header()
    return ((name, Sealed(prefix, secret) if prefix else Sealed(secret)),)


def key_variable(desk: Desk, provider: Provider, host: str) -> str | None:
    """The environment variable of the daemon in which the key for HOST is looked for."""
    origin = desk.origin_of(host)
    return (origin.key_variable if origin is not None else None) or provider.key_variable


def chat_of(params: Params) -> Chat:
    """The conversation in PARAMS. Raises InvalidCall."""
    raw = params.get("messages")
    if not isinstance(raw, list) or not raw:
        raise InvalidCall(phrase("params.messages"))
    messages = [message_of(one) for one in raw]
    system = text_param(params, "system")
    if system:
        messages.insert(0, Message("system", system))
    max_tokens = number_param(params, "max_tokens", least=1)
    extra = params.get("extra") or {}
    if not isinstance(extra, dict):
        raise InvalidCall(phrase("params.extra"))
    return Chat(
        model=needed_text(params, "model"),
        messages=tuple(messages),
        stream=flag_param(params, "stream", default=True),
        max_tokens=None if max_tokens is None else int(max_tokens),
        temperature=number_param(params, "temperature", most=10),
        extra=extra,
    )


def message_of(raw: Any) -> Message:
    """One message. Raises InvalidCall."""
    if not isinstance(raw, dict) or raw.get("role") not in _ROLES or not isinstance(raw.get("content"), str):
        raise InvalidCall(phrase("params.message", roles=", ".join(_ROLES)))
    return Message(raw["role"], raw["content"])


def about_the_client(params: Params, default: Priority) -> dict[str, Any]:
    """The fields of an Incoming that say who asks and how."""
    return {
        "client": (text_param(params, "client") or "")[:40] or None,
        "ref": ref_param(params),
        "priority": priority_param(params, default),
        "deadline_s": number_param(params, "deadline_s", most=1e7),
        "language": text_param(params, "language"),
        "wish": wish_of(params),
    }


def wish_of(params: Params) -> Wish:
    """What the call says about sharing its answer. Raises InvalidCall."""
    cache = text_param(params, "cache")
    uses: dict[str, CacheUse] = {"on": "on", "off": "off", "refresh": "refresh"}
    if cache is not None and cache not in uses:
        raise InvalidCall(phrase("params.one_of", name="cache", known=", ".join(uses)))
    names = ("coalesce", "batch", "fallback")
    coalesce, batch, fallback = (flag_param(params, name) if params.get(name) is not None else None for name in names)
    wish = Wish(coalesce, uses[cache] if cache is not None else None, batch, fallback)
    return NO_WISH if wish == NO_WISH else wish


class _closing:  # reads as a verb
    """What `aclosing` needs: the reply's body, if it can be closed."""

    def __init__(self, reply: Reply) -> None:
        self._close = getattr(reply.chunks, "aclose", None)

    async def aclose(self) -> None:
        if self._close is not None:
            await self._close()
