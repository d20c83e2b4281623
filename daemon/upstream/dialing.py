"""A new connection: by a proxy or without, with TLS or without. No byte of a request goes before it stands."""

from __future__ import annotations

import asyncio

from daemon.phrases import phrase
from daemon.upstream import eyeballs
from daemon.upstream.connection import Connection
from daemon.upstream.faults import Fault, no_name, no_tls, no_way, too_late
from daemon.upstream.route import Proxy, Route
from daemon.upstream.tls import Trust


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
                await self._dial(route, made)
        except TimeoutError:
            _drop(made)
            raise too_late("connect_timeout", "connect", self._connect_s, sent=False) from None
        except BaseException:
            _drop(made)
            raise
        return made[-1]

    async def _dial(self, route: Route, made: list[Connection]) -> None:
        """Put what was made into MADE as soon as it is there, so that it can be closed."""
        proxy = route.proxy
        if proxy is None:
            made.append(await self._reach(route.host, route.port, tls=route.tls))
            return
        made.append(connection := await self._reach(proxy.host, proxy.port, tls=proxy.tls))
        if route.tunnel:
            await self._tunnel(connection, route, proxy)

    async def _reach(self, host: str, port: int, *, tls: bool) -> Connection:
        loop = asyncio.get_running_loop()
        try:
            addresses = await self.names.look_up(host, port)
        except (OSError, UnicodeError) as error:
            raise no_name(error, host, known=self.names.was_found(host)) from None
        context = self._trust.context() if tls else None
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

    async def _tunnel(self, connection: Connection, route: Route, proxy: Proxy) -> None:
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
            await connection.start_tls(self._trust.context(), route.host)
        except ConnectionAbortedError as error:
            raise no_way(error, route.host, route.port) from None
        except OSError as error:
            raise self._no_tls(error, route.host, route.port) from None

    def _no_tls(self, error: OSError, host: str, port: int) -> Fault:
        return no_tls(error, host, port, self._trust.store)


def _drop(made: list[Connection]) -> None:
    for connection in made:
        connection.abort()
