"""Twelve ways in which a provider fails, played at four moments of a call; and what was observed, in one line."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import pytest

from daemon.doors.ending import Ending
from daemon.doors.keeper import Stopping
from daemon.model import Limit
from daemon.pacing import PacingSettings
from daemon.upstream import Timeouts, eyeballs
from gateway.scripted import DONE, event
from hostile.house import House, house, post
from stage.origin import Visit

FAULTS = (
    "refused", "reset", "blackhole", "TLS bad", "slow first byte", "stall", "truncated", "garbage", "429 storm",
    "huge header", "1xx flood", "DNS gone",
)  # fmt: skip
STAGES = ("queued", "before headers", "streaming", "draining")
Stage = Literal["queued", "before headers", "streaming", "draining"]
SILENT = ("slow first byte", "stall")
"""Those that end only when a time is over: at the end of the daemon, its own is over first."""
NO_WAY_IN = ("refused", "blackhole", "TLS bad", "DNS gone")
"""Those that meet a new connection: an open one does not notice."""

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n"
_LIMITED = b'{"error": {"message": "Rate limit reached", "type": "requests", "code": "rate_limit_exceeded"}}'
LIMITED = (
    b"HTTP/1.1 429 Too Many Requests\r\nContent-Type: application/json\r\nRetry-After-Ms: 10\r\n"
    b"Content-Length: %d\r\n\r\n%b" % (len(_LIMITED), _LIMITED)
)
SHORT_S = 0.1
LATE_S = 5.0


def chunk(data: bytes) -> bytes:
    """One piece of a chunked body."""
    return b"%x\r\n%b\r\n" % (len(data), data)


WHOLE = HEAD + b"\r\n" + chunk(event("Hel")) + chunk(event("lo", finish_reason="stop")) + chunk(DONE) + b"0\r\n\r\n"


class Script:
    """A provider that fails those whose text says so, and serves all others."""

    def __init__(self, fault: str, stage: Stage) -> None:
        self.fault = fault
        self.stage = stage
        self.go = asyncio.Event()
        """The fault comes when this is set."""
        self.received: list[bytes] = []
        self.refused = 0

    async def __call__(self, visit: Visit) -> None:
        """Serve one connection."""
        while True:
            await visit.request()
            body = visit.bodies[-1]
            self.received.append(body)
            if self.fault == "429 storm" and b"another" in body:
                await self.fail(visit)
            elif b"victim" not in body or self.fault in NO_WAY_IN or self._at_the_door():
                await self.serve(visit)
            elif self.stage == "streaming":
                await self.begin(visit)
                await self.break_off(visit)
            else:
                await self.go.wait()
                await self.fail(visit)

    def _at_the_door(self) -> bool:
        """True if only others meet the fault: an answer that has begun cannot be refused."""
        return self.fault == "429 storm" and self.stage == "streaming"

    async def serve(self, visit: Visit) -> None:
        """A stream that is whole; the victim's waits in its middle."""
        await visit.send(WHOLE[:300])
        if b"victim" in visit.bodies[-1]:
            await self.go.wait()
        await visit.send(WHOLE[300:])

    async def begin(self, visit: Visit) -> None:
        """The first event of a stream."""
        await visit.send(HEAD + b"\r\n")
        if self.fault != "slow first byte":
            await visit.send(chunk(event("Hel")))
        await self.go.wait()

    async def fail(self, visit: Visit) -> None:
        """The fault in place of headers."""
        if self.fault == "reset":
            visit.reset()
        elif self.fault == "stall":
            await visit.send(HEAD[:30])
        elif self.fault == "truncated":
            await visit.send(HEAD[:30])
            visit.writer.close()
        elif self.fault == "garbage":
            await visit.send(b"SSH-2.0-OpenSSH_9.2\r\n")
        elif self.fault == "huge header":
            await visit.send(HEAD + b"X-Big: " + b"x" * 100_000 + b"\r\n\r\n")
        elif self.fault == "1xx flood":
            while True:
                await visit.send(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" * 50)
        elif self.fault == "429 storm":
            self.refused += 1
            await visit.send(LIMITED if self.refused <= 3 else WHOLE)

    async def break_off(self, visit: Visit) -> None:
        """The fault in the middle of a body."""
        if self.fault == "reset":
            visit.reset()
        elif self.fault == "truncated":
            visit.writer.close()
        elif self.fault == "garbage":
            await visit.send(b"ZZ\r\n")
        elif self.fault == "huge header":  # a trailer is the only header that can come so late
            await visit.send(b"0\r\nX-Big: " + b"x" * 100_000 + b"\r\n\r\n")
        elif self.fault == "1xx flood":
            await visit.send(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 50)


def timeouts_for(fault: str, stage: Stage) -> Timeouts:
    """Short where the fault is a silence."""
    return Timeouts(
        connect_s=SHORT_S if fault == "blackhole" else LATE_S,
        first_byte_s=SHORT_S if fault in SILENT and stage in ("queued", "before headers") else LATE_S,
        idle_s=SHORT_S if fault in SILENT and stage == "streaming" else LATE_S,
    )


def drain_for(fault: str) -> float:
    """How long a daemon that ends waits for the call: as by default, far shorter than for a silent provider, and far
    longer than any other fault takes."""
    return SHORT_S if fault in SILENT else LATE_S


class Way:
    """The way to the provider, which can be broken and mended."""

    def __init__(self, fault: str, home: House, monkeypatch: pytest.MonkeyPatch, certificates: Certificates) -> None:
        self.broken = False
        self._opening: asyncio.Task[None] | None = None
        self._fault = fault
        self._home = home
        self._certificates = certificates
        self._real_connect = eyeballs.connect
        self._real_look_up = eyeballs.look_up
        if fault == "blackhole":
            monkeypatch.setattr(eyeballs, "connect", self._connect)
        if fault == "DNS gone":
            monkeypatch.setattr(eyeballs, "look_up", self._look_up)

    async def _connect(self, addresses: list[eyeballs.Address]) -> socket.socket:
        if self.broken:
            await asyncio.Event().wait()
        return await self._real_connect(addresses)

    async def _look_up(self, host: str, port: int) -> list[eyeballs.Address]:
        if self.broken:
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        return await self._real_look_up("127.0.0.1", port)

    def break_(self) -> None:
        """From now on no new connection comes to be."""
        self.broken = True
        if self._fault == "refused":
            self._home.provider.close()
        if self._fault == "TLS bad":
            self._certificates.show("stranger")

    def mend(self) -> None:
        """As it was."""
        self.broken = False
        if self._fault == "refused" and self._opening is None:
            self._opening = asyncio.get_running_loop().create_task(self._home.provider.open())
        if self._fault == "TLS bad":
            self._certificates.show("provider")


class Certificates:
    """What a TLS server shows: a certificate that our authority has signed, or one that nobody knows."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.show("provider")

    @property
    def authority(self) -> Path:
        """Whom the client trusts."""
        return self.folder / "authority.pem"

    def show(self, name: str) -> None:
        """From the next connection on."""
        self.context.load_cert_chain(self.folder / f"{name}.pem", self.folder / f"{name}.key")


def chat(who: str) -> bytes:
    """A streamed call whose text says WHO calls."""
    body = {"model": "m", "stream": True, "messages": [{"role": "user", "content": who}]}
    return post("Connection: close", "Content-Type: application/json", body=json.dumps(body).encode())


async def observe(
    fault: str, stage: Stage, place: Path, monkeypatch: pytest.MonkeyPatch, certificates: Certificates
) -> str:
    """Play FAULT at STAGE and say what the client of the call saw, and how often the provider received it."""
    script = Script(fault, stage)
    more: dict[str, Any] = {}
    if fault == "TLS bad":
        more = {"url": "https://127.0.0.1:{port}", "tls": certificates.context, "ca_file": certificates.authority}
    if fault == "DNS gone":
        more = {"url": "http://provider.invalid:{port}"}
    if fault == "429 storm":
        more["minute_s"] = 0.5
    if stage == "queued":
        more["limits"] = (Limit("concurrency", 1),)
    held = stage == "draining" and fault in (*NO_WAY_IN, "429 storm")
    base_s, cap_s = (LATE_S, LATE_S) if held else (0.01, 0.02)
    pacing = PacingSettings(tries=2, backoff_base_s=base_s, backoff_cap_s=cap_s)
    if fault == "DNS gone":
        pacing = replace(pacing, max_wait_s=LATE_S if held else SHORT_S)
    async with house(place, script, timeouts=timeouts_for(fault, stage), pacing=pacing, **more) as home:
        way = Way(fault, home, monkeypatch, certificates)
        who, seen = await STORIES[stage](script, way, home)
        await asyncio.wait_for(home.gateway.drained(), 5)
        assert not [pool for pool in home.pacer.pools() if pool["in_flight"]], "a permit was not given back"
        assert len(home.ended()) == len({one.call.id for one in home.events}), "a call has no end, or two"
        sent = sum(who in body for body in script.received)
        times = {0: "never", 1: "once", 2: "twice"}.get(sent, f"{sent} times")
        return f"{described(seen)}{setting_in(home, who, seen)}; sent {times}"


async def queued(script: Script, way: Way, home: House) -> tuple[bytes, bytes]:
    """One call meets the fault while another waits for its slot. The other one's story is told."""
    way.break_()
    first = asyncio.create_task(home.ask(chat("victim")))
    await happened(home, "sent")
    second = asyncio.create_task(home.ask(chat("waiting")))
    await happened(home, "queued", 2)
    home.hooks.append(lambda event: way.mend() if event.kind == "failed" else None)
    script.go.set()
    seen = await asyncio.gather(first, second)
    assert all(seen), "a call was lost"
    return b"waiting", seen[1]


async def before_headers(script: Script, way: Way, home: House) -> tuple[bytes, bytes]:
    """The fault comes in place of an answer."""
    way.break_()
    script.go.set()
    return b"victim", await home.ask(chat("victim"))


async def streaming(script: Script, way: Way, home: House) -> tuple[bytes, bytes]:
    """The fault comes when the client has the first half of its answer."""
    victim = asyncio.create_task(home.ask(chat("victim")))
    if script.fault == "slow first byte":
        await happened(home, "answered")
    else:
        await happened(home, "first_byte")
    way.break_()
    if script.fault in (*NO_WAY_IN, "429 storm"):
        assert await home.ask(chat("another"))
    script.go.set()
    return b"victim", await victim


async def draining(script: Script, way: Way, home: House) -> tuple[bytes, bytes]:
    """The daemon ends, and the call is what it still waits for, as long as the setting `drain` says."""
    way.break_()
    victim = asyncio.create_task(home.ask(chat("victim")))
    if script.fault in (*NO_WAY_IN, "429 storm"):
        script.go.set()
        await happened(home, "failed")
    else:
        await happened(home, "sent")
        async with asyncio.timeout(5):
            while not script.received:  # noqa: ASYNC110 - until the bytes are there
                await asyncio.sleep(0.001)
    ending = Ending(home.gateway, home.pacer, home.http, home.rpc, Stopping(), replaced=False)
    end = asyncio.create_task(ending.run([home.porter], drain_for(script.fault)))
    async with asyncio.timeout(5):
        while not home.pacer._closed:  # noqa: ASYNC110 - what waits in line is sent away first
            await asyncio.sleep(0)
    script.go.set()
    seen = await victim
    assert await end == (script.fault in SILENT), "only who takes longer than that is cut"
    return b"victim", seen


STORIES: dict[str, Callable[[Script, Way, House], Any]] = {
    "queued": queued, "before headers": before_headers, "streaming": streaming, "draining": draining,
}  # fmt: skip


async def happened(home: House, kind: str, times: int = 1) -> None:
    """Wait until an event of KIND has come so often."""
    async with asyncio.timeout(5):
        while sum(one.kind == kind for one in home.events) < times:  # noqa: ASYNC110 - events are only told to a list
            await asyncio.sleep(0.001)


def described(answer: bytes) -> str:
    """What the client saw: a status and the kind of failure, or the bytes of a stream, whole or cut."""
    head, _, body = answer.partition(b"\r\n\r\n")
    if not head:
        return "nothing"
    status = head.split(b" ")[1].decode()
    if b"chunked" in head.lower():
        return f"{status}, " + ("whole" if body.endswith(b"\r\n0\r\n\r\n") or body == b"0\r\n\r\n" else "then cut")
    error = json.loads(body)["error"]
    return f"{status} `{error.get('sluice', {}).get('subtype') or error['type']}`"


def setting_in(home: House, who: bytes, seen: bytes) -> str:
    """The setting that an answer, or the last event of a cut stream, names."""
    failures = [one.failure for one in home.ended() if who in one.call.body]
    told = seen.decode("utf-8", "replace") + repr([failure.detail for failure in failures if failure])
    settings = ("timeouts.connect", "timeouts.first_byte", "timeouts.idle", "drain", "queue.max_wait")
    names = [name for name in settings if f"(setting {name})" in told]
    return f", names `{names[0]}`" if names else ""
