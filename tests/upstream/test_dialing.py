"""Ways out: proxies with and without a tunnel, and what goes wrong on them. No byte of a call goes too early."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

import pytest

from daemon.upstream import Timeouts
from hostile.faults import Certificates
from hostile.test_faults import certificate_folder
from stage.origin import Visit, ok, raw, serving
from upstream.calling import KEY, answered, call_to, failed, sender

__all__ = ["certificate_folder"]


class Tunnel:
    """A proxy that connects to wherever it is told, after SAYING something."""

    def __init__(self, port: int, saying: bytes = b"HTTP/1.1 200 Connection established\r\n\r\n") -> None:
        self.port = port
        self.saying = saying

    async def __call__(self, visit: Visit) -> None:
        """One connection."""
        await visit.request()
        await visit.send(self.saying)
        if b" 200 " not in self.saying:
            return
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)

        async def carry(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
            with contextlib.suppress(ConnectionError):
                while data := await source.read(1 << 16):
                    target.write(data)
                    await target.drain()
            target.close()

        await asyncio.gather(carry(visit.reader, writer), carry(reader, visit.writer))


async def test_a_proxy_that_reads_the_request() -> None:
    """The whole address, our name to the proxy, each time; and the connection is used again."""
    async with serving(ok()) as proxy, sender(proxy_of=lambda url: f"http://me:pw@127.0.0.1:{proxy.port}") as upstream:
        for _ in range(2):
            response = answered(await upstream.send(call_to(0, url="http://api.invalid/x", target="/v1?a=b")))
            assert await response.read(10) == b"{}"
            response.close()
    (visit,) = proxy.visits
    assert (
        visit.heads
        == [
            b"POST http://api.invalid/x/v1?a=b HTTP/1.1\r\nHost: api.invalid\r\nAuthorization: Bearer %b\r\n"
            b"Proxy-Authorization: Basic bWU6cHc=\r\nContent-Length: 2\r\n\r\n" % KEY.encode()
        ]
        * 2
    )


async def test_a_tunnel(certificate_folder: Path) -> None:
    """The proxy learns where to; the call, its key and its answer are for the provider alone."""
    certificates = Certificates(certificate_folder)
    async with serving(ok(b"secret"), certificates.context) as server, serving(Tunnel(server.port)) as proxy:
        way = f"http://me:pw@127.0.0.1:{proxy.port}"
        async with sender(proxy_of=lambda url: way, ca_file=certificates.authority) as upstream:
            for _ in range(2):
                call = call_to(0, url=f"https://127.0.0.1:{server.port}")
                response = answered(await upstream.send(call))
                assert await response.read(10) == b"secret"
                response.close()
    assert [visit.heads for visit in proxy.visits] == [
        [
            b"CONNECT 127.0.0.1:%d HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nProxy-Authorization: Basic bWU6cHc=\r\n\r\n"
            % (server.port, server.port)
        ]
    ]
    assert [len(visit.heads) for visit in server.visits] == [2]
    assert b"Proxy-Authorization" not in server.visits[0].heads[0]


async def test_a_tunnel_through_a_proxy_with_tls(certificate_folder: Path) -> None:
    """TLS inside TLS."""
    certificates = Certificates(certificate_folder)
    async with (
        serving(ok(b"secret"), certificates.context) as server,
        serving(Tunnel(server.port), certificates.context) as proxy,
        sender(proxy_of=lambda url: f"https://127.0.0.1:{proxy.port}", ca_file=certificates.authority) as upstream,
    ):
        response = answered(await upstream.send(call_to(0, url=f"https://127.0.0.1:{server.port}")))
        assert await response.read(10) == b"secret"
        response.close()


@pytest.mark.parametrize(
    ("saying", "fault", "told"),
    [
        (b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n", "bad_answer", "status 407"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "bad_answer", "not valid HTTP"),
        (b"HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", "unreachable", "127.0.0.1"),
    ],
)
async def test_a_proxy_that_lets_nothing_through(saying: bytes, fault: str, told: str) -> None:
    """It is said who refused, and nothing of the call was sent."""
    async with serving(raw(saying)) as proxy:
        async with sender(proxy_of=lambda url: f"http://me:CANARY-pw@127.0.0.1:{proxy.port}") as upstream:
            failure = failed(await upstream.send(call_to(0, url="https://127.0.0.1:9")))
        assert (failure.fault, failure.sent) == (fault, False)
        assert told in failure.detail
        assert "CANARY" not in failure.detail
        assert not any(KEY.encode() in head for visit in proxy.visits for head in visit.heads)


async def test_a_proxy_where_nobody_is() -> None:
    """The proxy's address is named, not the provider's."""
    async with sender(proxy_of=lambda url: "http://127.0.0.1:1") as upstream:
        failure = failed(await upstream.send(call_to(0, url="https://api.invalid")))
    assert (failure.fault, failure.sent) == ("refused", False)
    assert failure.detail.startswith("127.0.0.1:1: ")


async def test_a_proxy_that_says_nothing() -> None:
    """The time for a connection covers the tunnel, and the connection to the proxy is closed."""
    timeouts = Timeouts(connect_s=0.05, first_byte_s=5)
    async with (
        serving(raw(b"")) as proxy,
        sender(timeouts, proxy_of=lambda url: f"http://127.0.0.1:{proxy.port}") as upstream,
    ):
        failure = failed(await upstream.send(call_to(0, url="https://127.0.0.1:9")))
        await asyncio.wait_for(proxy.visits[0].gone.wait(), 5)
    assert (failure.fault, failure.sent) == ("connect_timeout", False)


async def test_a_stranger_behind_a_tunnel(certificate_folder: Path) -> None:
    """Whom the tunnel leads to is checked as without one."""
    certificates = Certificates(certificate_folder)
    certificates.show("stranger")
    async with (
        serving(ok(), certificates.context) as server,
        serving(Tunnel(server.port)) as proxy,
        sender(proxy_of=lambda url: f"http://127.0.0.1:{proxy.port}", ca_file=certificates.authority) as upstream,
    ):
        failure = failed(await upstream.send(call_to(0, url=f"https://127.0.0.1:{server.port}")))
        assert not any(visit.heads for visit in server.visits)
    assert (failure.fault, failure.sent) == ("tls", False)
    assert "127.0.0.1" in failure.detail
    assert "it was issued by stranger and is valid until 20" in failure.detail


async def test_a_stranger_is_named(certificate_folder: Path) -> None:
    """Whose certificate it was, which tells that a box in between opens TLS, and until when it is valid; nothing is
    sent, neither on the connection that was refused nor on the one that was made to see."""
    certificates = Certificates(certificate_folder)
    certificates.show("stranger")
    async with serving(ok(), certificates.context) as server, sender(ca_file=certificates.authority) as upstream:
        failure = failed(await upstream.send(call_to(server.port, url=f"https://127.0.0.1:{server.port}")))
        assert not any(visit.heads for visit in server.visits)
    assert "it was issued by stranger and is valid until 20" in failure.detail
    assert str(certificates.authority) in failure.detail


async def test_a_proxy_that_is_not_trusted_hears_nothing(certificate_folder: Path) -> None:
    """Its password goes to nobody who could be anybody, not even to learn whose certificate was refused."""
    certificates = Certificates(certificate_folder)
    certificates.show("stranger")
    async with (
        serving(Tunnel(9), certificates.context) as proxy,
        sender(
            proxy_of=lambda url: f"https://me:CANARY-secret@127.0.0.1:{proxy.port}", ca_file=certificates.authority
        ) as upstream,
    ):
        failure = failed(await upstream.send(call_to(0, url="https://127.0.0.1:9")))
        assert not any(visit.heads for visit in proxy.visits)
    assert (failure.fault, failure.sent) == ("tls", False)
    assert "cannot be trusted" in failure.detail
    assert "issued by" not in failure.detail
