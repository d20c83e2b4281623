"""A new connection: by a proxy or without, with TLS or without. No byte of a request goes before it stands."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from typing import Final

from daemon.phrases import phrase
from daemon.upstream import eyeballs
from daemon.upstream.connection import Connection
from daemon.upstream.faults import Fault, Untrusted, no_name, no_tls, no_way, too_late
from daemon.upstream.presented import Presented, presented
from daemon.upstream.route import Proxy, Route
from daemon.upstream.tls import Trust, looking

LOOK_S: Final = 3.0
"""So long a call that has failed waits at most to hear whose certificate it was."""

Context = Callable[[], ssl.SSLContext]


class Dialer:
    """Makes connections."""

    def __init__(self, connect_s: float, trust: Trust) -> None:
        """CONNECT_S: seconds for all of it."""
        self._connect_s = connect_s
        self._trust = trust
        self.names = eyeballs.Names()

    async def dial(self, route: Route) -> Connection:
        """A connection to the end of ROUTE. Raises Fault, with which nothing was sent; and ConfigError."""
        made: list[Connection] = []
        try:
            async with asyncio.timeout(self._connect_s):
                await self._dial(route, made, self._trust.context)
        except TimeoutError:
            _drop(made)
            raise too_late("connect_timeout", "connect", self._connect_s, sent=False) from None
        except Untrusted as refused:
            _drop(made)
            shown = await self._shown(route)
            raise refused if shown is None else refused.by(shown) from None
        except BaseException:
            _drop(made)
            raise
        return made[-1]

    async def _shown(self, route: Route) -> Presented | None:
        """Whose certificate it is that was refused. Another connection is made for that, and nothing is sent on it."""
        made: list[Connection] = []
        try:
            async with asyncio.timeout(LOOK_S):
                await self._dial(route, made, looking)
            return presented(made[-1].certificate())
        except (Fault, TimeoutError):
            return None
        finally:
            _drop(made)

    async def _dial(self, route: Route, made: list[Connection], believed: Context) -> None:
        """Put what was made into MADE as soon as it is there, so that it can be closed. BELIEVED: whom at the end of
        ROUTE; a proxy, which may be told a password, must be trusted in any case."""
        proxy = route.proxy
        if proxy is None:
            made.append(await self._reach(route.host, route.port, believed if route.tls else None))
            return
        made.append(await self._reach(proxy.host, proxy.port, self._trust.context if proxy.tls else None))
        if route.tunnel:
            await self._tunnel(made[-1], route, proxy, believed)

    async def _reach(self, host: str, port: int, tls: Context | None) -> Connection:
        loop = asyncio.get_running_loop()
        try:
            addresses = await self.names.look_up(host, port)
        except (OSError, UnicodeError) as error:
            raise no_name(error, host, known=self.names.was_found(host)) from None
        context = None if tls is None else tls()
        try:
            sock = await eyeballs.connect(addresses)
        except OSError as error:
            raise no_way(error, host, port) from None
        try:
            _, connection = await loop.create_connection(
                lambda: Connection(loop), sock=sock, ssl=context, server_hostname=host if tls else None
            )
        except OSError as error:
            raise self._no_tls(error, host, port) if tls else no_way(error, host, port) from None
        return connection

    async def _tunnel(self, connection: Connection, route: Route, proxy: Proxy, context: Context) -> None:
        """Let the proxy connect us to the end of ROUTE, and speak TLS with that."""
        name = f"[{route.host}]" if ":" in route.host else route.host
        where = f"{name}:{route.port}"
        head = f"CONNECT {where} HTTP/1.1\r\nHost: {where}\r\n{proxy.field}\r\n".encode()
        try:
            answer = await connection.ask("CONNECT", head, b"", self._connect_s * 2)  # `dial` watches the time
        except Fault as fault:
            raise Fault(fault.kind, fault.detail, sent=False) from None
        if not 200 <= answer.status < 300:
            told = phrase("fault.proxy", proxy=f"{proxy.host}:{proxy.port}", status=str(answer.status))
            raise Fault("bad_answer", told, sent=False)
        try:
            await connection.start_tls(context(), route.host)
        except ConnectionAbortedError as error:
            raise no_way(error, route.host, route.port) from None
        except OSError as error:
            raise self._no_tls(error, route.host, route.port) from None

    def _no_tls(self, error: OSError, host: str, port: int) -> Fault:
        return no_tls(error, host, port, self._trust.store)


def _drop(made: list[Connection]) -> None:
    for connection in made:
        connection.abort()
