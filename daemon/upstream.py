"""The only outbound network: one request to one origin, streamed back.

What goes wrong is data (`Failure`), with the one thing that decides about sending again: whether bytes of the
request had gone out. This is the only module that may call `reveal()` on a secret.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Callable
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import aiohttp
from aiohttp.http import HttpProcessingError
from yarl import URL

from daemon.errors import ConfigError
from daemon.model import Call, Failure, Headers, Origin, TransportFault
from daemon.phrases import phrase

_NO_AUTO_HEADERS = frozenset({"Accept", "Accept-Encoding", "User-Agent", "Content-Type"})
_NAP_S = 5.0  # what is shorter is a late timer, not a sleep
_MOST_INTERIM = 1000
"""Interim answers (1xx) before the real one. A provider that works long may send one every few seconds."""
_KEEPALIVE_S = 15.0  # short, since a POST on a connection that the other side just closed cannot be sent again


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds. There is no total: a stream may run as long as bytes come."""

    connect_s: float = 10.0
    """Name look-up, connection and TLS handshake together."""
    first_byte_s: float = 600.0
    """From sending the request until the answer's headers."""
    idle_s: float = 300.0
    """Between two pieces of the answer's body."""


class StreamCut(Exception):
    """The answer ended before its end. `failure` says how."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.detail)
        self.failure = failure


class Response:
    """An answer whose headers are in. Close it always; a closed connection of an unread body is not reused."""

    def __init__(self, answer: aiohttp.ClientResponse, call: Call, idle_s: float) -> None:
        self._answer = answer
        self._call = call
        self._idle_s = idle_s
        self.status = answer.status
        self.reason = answer.reason or ""
        self.headers: Headers = tuple((_text(name), _text(value)) for name, value in answer.raw_headers)
        self._watch_connection()

    def _watch_connection(self) -> None:
        """End the wait for a body whose connection has ended.

        aiohttp closes the connection when chunks are malformed, but does not tell whoever waits for the body.
        """
        connection = self._answer.connection
        closed = connection.protocol.closed if connection is not None and connection.protocol is not None else None
        if closed is not None:
            closed.add_done_callback(self._connection_ended)

    def _connection_ended(self, closed: asyncio.Future[None]) -> None:
        content = self._answer.content
        if not closed.cancelled():
            closed.exception()  # it is told by the content; a future's must be looked at
        if not content.is_eof() and content.exception() is None:
            content.set_exception(aiohttp.ClientPayloadError())

    def header(self, name: str) -> str | None:
        """The first value of a header, or None."""
        return self._answer.headers.get(name)

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield the body as it comes, in its transfer-decoded bytes. Raises StreamCut when it ends too early."""
        content = self._answer.content
        while True:
            try:
                async with asyncio.timeout(self._idle_s):
                    chunk = await content.readany()
            except TimeoutError:
                raise StreamCut(self._failure("idle_timeout", _timeout_text("idle", self._idle_s))) from None
            except (aiohttp.ClientError, OSError) as error:
                raise StreamCut(self._failure("truncated", _say(error))) from None
            if not chunk:
                if not content.at_eof():
                    continue
                return
            yield chunk

    async def read(self, most: int) -> bytes:
        """Return up to MOST bytes of the body. Raises StreamCut as `chunks` does."""
        parts, size = [], 0
        async for chunk in self.chunks():
            parts.append(chunk)
            size += len(chunk)
            if size >= most:
                break
        return b"".join(parts)[:most]

    def close(self) -> None:
        """Give the connection back if the body was read whole, else close it. Idempotent."""
        if self._answer.content.at_eof():
            self._answer.release()
        else:
            self._answer.close()

    def _failure(self, fault: TransportFault, detail: str) -> Failure:
        return failure_of(self._call, fault, detail, sent=True, status=self.status, headers=self.headers)


def failure_of(
    call: Call,
    fault: TransportFault,
    detail: str,
    *,
    sent: bool,
    status: int | None = None,
    headers: Headers = (),
    body: bytes = b"",
) -> Failure:
    """A Failure of this call's transport."""
    return Failure(
        status=status,
        headers=headers,
        body=body,
        host=call.origin.host,
        provider=call.origin.provider,
        model=call.model,
        fault=fault,
        sent=sent,
        detail=detail,
    )


def seconds_asleep() -> float:
    """For how many seconds the machine was suspended since it started; 0 where the system does not say."""
    clock = getattr(time, "CLOCK_BOOTTIME", None)
    return time.clock_gettime(clock) - time.clock_gettime(time.CLOCK_MONOTONIC) if clock is not None else 0.0


class Upstream:
    """Sends calls. One instance for the daemon's life; `close()` it."""

    def __init__(
        self,
        timeouts: Timeouts,
        *,
        ca_file: Path | None = None,
        proxy_of: Callable[[str], str | None] | None = None,
        asleep: Callable[[], float] = seconds_asleep,
    ) -> None:
        """PROXY_OF: the proxy for a URL. ASLEEP: for how many seconds the machine has been suspended so far."""
        self._timeouts = timeouts
        self._ca_file = ca_file
        self._proxy_of = proxy_of or (lambda url: None)
        self._session: aiohttp.ClientSession | None = None
        self._retired: list[aiohttp.ClientSession] = []
        self._asleep = asleep
        self._slept_s = asleep()
        self._tls: ssl.SSLContext | None = None

    async def send(self, call: Call) -> Response | Failure:
        """Send CALL once; return its answer as soon as the headers are in."""
        self._after_a_sleep()
        session = self._open_session()
        limit = asyncio.timeout(self._timeouts.connect_s + self._timeouts.first_byte_s)
        progress = _Progress(limit, self._timeouts.first_byte_s)
        try:
            async with limit:
                _fields.set([(name, value.reveal()) for name, value in call.headers])
                answer = await session.request(
                    call.method,
                    _url(call),
                    data=call.body or None,
                    skip_auto_headers=_NO_AUTO_HEADERS,
                    allow_redirects=False,
                    ssl=self._tls_for(call.origin),
                    proxy=self._proxy_of(call.origin.url),
                    trace_request_ctx=progress,
                )
        except TimeoutError as error:
            return self._timed_out(call, error, progress)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return self._failed(call, error, progress)
        return Response(answer, call, self._timeouts.idle_s)

    def _after_a_sleep(self) -> None:
        """Use no connection from before a suspension: it is dead, and a POST on it would be lost and not sent again.

        Answers that still run keep theirs; what was idle ends by itself.
        """
        slept_s = self._asleep()
        if self._session is not None and slept_s - self._slept_s > _NAP_S:
            self._retired.append(self._session)
            self._session = None
        self._slept_s = slept_s

    async def close(self) -> None:
        """Close all connections."""
        sessions = [*self._retired, *([self._session] if self._session is not None else [])]
        self._retired, self._session = [], None
        for session in sessions:
            await session.close()

    def _timed_out(self, call: Call, error: TimeoutError, progress: _Progress) -> Failure:
        if isinstance(error, aiohttp.ConnectionTimeoutError) or not progress.connected:
            detail = _timeout_text("connect", self._timeouts.connect_s)
            return failure_of(call, "connect_timeout", detail, sent=False)
        detail = _timeout_text("first_byte", self._timeouts.first_byte_s)
        return failure_of(call, "first_byte_timeout", detail, sent=True)

    def _failed(self, call: Call, error: Exception, progress: _Progress) -> Failure:
        fault = _fault_of(error, progress.connected)
        sent = progress.connected and fault not in ("dns", "refused", "unreachable", "tls")
        return failure_of(call, fault, _say(error), sent=sent)

    def _open_session(self) -> aiohttp.ClientSession:
        if self._session is None:
            trace = aiohttp.TraceConfig()
            trace.on_connection_create_end.append(_note_connected)
            trace.on_connection_reuseconn.append(_note_connected)
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=_KEEPALIVE_S, ttl_dns_cache=10),
                timeout=aiohttp.ClientTimeout(total=None, connect=self._timeouts.connect_s),
                auto_decompress=False,
                trust_env=False,
                cookie_jar=aiohttp.DummyCookieJar(),
                read_bufsize=2**16,
                request_class=_Request,
                response_class=_Answer,
                max_line_size=16 * 1024,
                max_field_size=16 * 1024,
                trace_configs=[trace],
            )
        return self._session

    def _tls_for(self, origin: Origin) -> ssl.SSLContext | bool:
        if not origin.url.startswith("https:"):
            return True
        if self._tls is None:
            self._tls = tls_context(self._ca_file)
        return self._tls


_fields: ContextVar[list[tuple[str, str]]] = ContextVar("_fields")


class _Request(aiohttp.ClientRequest):
    """A request with exactly the fields of the call: aiohttp's session drops the first of `X-Dup` and `x-dup`."""

    def update_headers(self, headers: object) -> None:
        """Host first, then the call's fields in their order."""
        super().update_headers(_fields.get([]))


class _Answer(aiohttp.ClientResponse):
    """An answer that does not begin with interim (1xx) lines for ever."""

    async def start(self, connection: Any) -> aiohttp.ClientResponse:
        """Read up to the end of the headers. Raises ClientResponseError."""
        protocol, interim = connection.protocol, 0
        read = protocol.read

        async def counted() -> Any:
            nonlocal interim
            message = await read()
            interim += 100 <= message[0].code < 200
            if interim > _MOST_INTERIM:
                raise HttpProcessingError
            return message

        protocol.read = counted
        try:
            return await super().start(connection)
        finally:
            del protocol.read


class _Progress:
    """How far one request came. Told by aiohttp's tracing."""

    __slots__ = ("_first_byte_s", "_limit", "connected")

    def __init__(self, limit: asyncio.Timeout, first_byte_s: float) -> None:
        self.connected = False
        self._limit = limit
        self._first_byte_s = first_byte_s

    def note_connected(self) -> None:
        """From now on bytes may go out, and the clock for the answer runs."""
        self.connected = True
        self._limit.reschedule(asyncio.get_running_loop().time() + self._first_byte_s)


async def _note_connected(_session: object, context: SimpleNamespace, _params: object) -> None:
    context.trace_request_ctx.note_connected()


def tls_context(ca_file: Path | None) -> ssl.SSLContext:
    """A verifying TLS context. Raises ConfigError when it would trust nobody: OpenSSL says nothing about that."""
    try:
        context = ssl.create_default_context(cafile=str(ca_file) if ca_file else None)
    except OSError as error:
        raise ConfigError(phrase("config.ca_file", file=str(ca_file), why=str(error))) from error
    if not context.cert_store_stats()["x509_ca"] and not context.get_ca_certs():
        # A directory of hashed certificates is only read when it is needed: that is not the same as having none.
        paths = ssl.get_default_verify_paths()
        if not (paths.capath and Path(paths.capath).is_dir() and any(Path(paths.capath).iterdir())):
            raise ConfigError(phrase("config.no_ca"))
    return context


def _url(call: Call) -> URL:
    url = URL(call.origin.url + call.target.reveal(), encoded=True)
    if call.target.reveal().endswith("?") and not url.raw_path_qs.endswith("?"):
        url._cache["raw_path_qs"] = url.raw_path_qs + "?"  # which yarl drops where nothing follows
    return url


def _fault_of(error: Exception, connected: bool) -> TransportFault:
    """Which fault an exception of aiohttp or the operating system is."""
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "dns"
    if isinstance(error, (aiohttp.ClientSSLError, aiohttp.ServerFingerprintMismatch)):
        return "tls"
    if isinstance(error, aiohttp.ClientConnectorError):
        return "refused" if isinstance(error.os_error, ConnectionRefusedError) else "unreachable"
    if isinstance(error, (aiohttp.ClientResponseError, ValueError)):
        return "bad_answer"
    if isinstance(error, aiohttp.ClientPayloadError):
        return "truncated"
    return "reset" if connected else "unreachable"


def _say(error: Exception) -> str:
    """The error's own words without URLs or header lines, which may hold keys."""
    if isinstance(error, aiohttp.ClientResponseError):
        return phrase("fault.not_http")
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return phrase("fault.no_name", host=str(error.host))
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        why = getattr(error.certificate_error, "verify_message", None) or type(error.certificate_error).__name__
        return phrase("fault.certificate", host=str(error.host), why=why.partition(",")[0])
    if isinstance(error, aiohttp.ClientConnectorSSLError):
        why = getattr(error.os_error, "reason", None) or type(error.os_error).__name__
        return phrase("fault.no_tls", host=f"{error.host}:{error.port}", why=why.replace("_", " ").lower())
    if isinstance(error, aiohttp.ClientConnectorError):
        return f"{error.host}:{error.port}: {error.os_error.strerror or type(error.os_error).__name__}"
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return phrase("fault.closed")
    if isinstance(error, aiohttp.ClientPayloadError):
        return phrase("fault.cut")
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    return type(error).__name__


def _timeout_text(which: str, seconds: float) -> str:
    return phrase(f"fault.{which}", seconds=f"{seconds:g}")


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")
