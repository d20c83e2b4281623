"""F9: random requests and answers arrive as they were sent: target, header fields in order, each byte of the bodies."""

from __future__ import annotations

import asyncio
import random
import re
from dataclasses import dataclass

from benchmarks.reliability.figure import Figure, count
from benchmarks.reliability.raw import HOST, KEY, Stand, Visit, each, stand

SHORT = 0.02

_NAMES = ("X-A", "x-b", "X-Dup", "X-dup", "anthropic-version", "OpenAI-Beta", "Accept", "X-Empty")
_VALUES = ("", "1", "a, b", "caf\u00e9 \u4e2d\u6587", '"quoted"', "a=b; c=d", "x" * 200, "tab\there")
_TARGETS = "abc123-._~%/?&=+:@!$'()*,;[]|\\^`{}\""
_MADE_ON_THE_WAY = frozenset(
    {"host", "content-length", "connection", "transfer-encoding", "date", "server", "x-case", "x-sluice-call",
     "x-sluice-attempts", "content-type"}
)  # fmt: skip


@dataclass(frozen=True)
class Case:
    """One request and its answer, from a seed."""

    method: str
    target: str
    fields: tuple[tuple[str, str], ...]
    body: bytes
    status: int
    answer_fields: tuple[tuple[str, str], ...]
    answer: bytes
    pieces: int
    """Chunks in which the answer goes out; 0: with Content-Length."""


def case(seed: int) -> Case:
    """The case of SEED."""
    rng = random.Random(seed)

    def fields() -> tuple[tuple[str, str], ...]:
        return tuple((rng.choice(_NAMES), rng.choice(_VALUES)) for _ in range(rng.randrange(8)))

    def data() -> bytes:
        size = rng.choice((0, 1, 10, 1000, 20_000))
        return rng.choice((b"", b"\n", b"{}", b"\xef\xbb\xbf")) + rng.randbytes(size)

    target = "/v1/files/" + "".join(rng.choice(_TARGETS) for _ in range(rng.randrange(40)))
    method = rng.choice(("GET", "POST", "PUT", "PATCH", "DELETE"))
    body = b"" if method == "GET" else data()
    status = rng.choice((200, 201, 206, 404))
    answer = data().hex().encode() if status == 404 else data()  # in much noise there is a word that explains an error
    return Case(method, target, fields(), body, status, fields(), answer, rng.choice((0, 1, 3)))


async def provider(visit: Visit) -> None:
    """Answer each request with what its case says."""
    while True:
        await visit.request()
        found = re.search(rb"\r\n[xX]-[cC]ase: (\d+)\r\n", visit.heads[-1])
        assert found is not None
        this = case(int(found[1]))
        head = "".join(f"{name}: {value}\r\n" for name, value in this.answer_fields)
        start = f"HTTP/1.1 {this.status} Word\r\nContent-Type: application/octet-stream\r\n{head}".encode()
        if not this.pieces:
            await visit.send(start + b"Content-Length: %d\r\n\r\n%b" % (len(this.answer), this.answer))
            continue
        await visit.send(start + b"Transfer-Encoding: chunked\r\n\r\n")
        step = max(1, -(-len(this.answer) // this.pieces))
        for at in range(0, len(this.answer), step):
            piece = this.answer[at : at + step]
            await visit.send(b"%x\r\n%b\r\n" % (len(piece), piece))
        await visit.send(b"0\r\n\r\n")


def kept(head: bytes) -> list[tuple[str, str]]:
    """The fields of HEAD that go on as they are. White space around a value has no meaning."""
    pairs = [line.decode().partition(":") for line in head.split(b"\r\n")[1:] if line]
    return [(name, value.strip()) for name, _, value in pairs if name.lower() not in _MADE_ON_THE_WAY]


def unchunked(answer: bytes) -> bytes:
    """The body of a whole answer."""
    head, _, body = answer.partition(b"\r\n\r\n")
    if b"chunked" not in head.lower():
        return body
    out = b""
    while True:
        size, _, body = body.partition(b"\r\n")
        if not int(size, 16):
            return out
        out, body = out + body[: int(size, 16)], body[int(size, 16) + 2 :]


async def differences(place: Stand, number: int, received: dict[int, tuple[bytes, bytes]]) -> list[str]:
    """What of the case NUMBER did not arrive as it was sent."""
    this = case(number)
    lines = "".join(f"{name}: {value}\r\n" for name, value in this.fields)
    head = (
        f"{this.method} {this.target} HTTP/1.1\r\nHost: {HOST}\r\nAuthorization: Bearer {KEY}\r\nX-Case: {number}\r\n"
        f"X-Sluice-Explain: off\r\n{lines}Connection: close\r\nContent-Length: {len(this.body)}\r\n\r\n"
    )
    answer = await place.ask(head.encode() + this.body)
    there_head, there_body = received.get(number, (b"", b""))
    answer_head = answer.partition(b"\r\n\r\n")[0]
    sent = [("Authorization", f"Bearer {KEY}"), *((name, value.strip()) for name, value in this.fields)]
    back = [(name, value.strip().encode("ascii", "replace").decode()) for name, value in this.answer_fields]
    checks = {
        "target": there_head.split(b"\r\n")[0] == f"{this.method} {this.target} HTTP/1.1".encode(),
        "fields": kept(there_head) == sent,
        "body": there_body == this.body,
        "status": answer_head.split(b" ")[1:2] == [str(this.status).encode()],
        "fields of the answer": kept(answer_head) == back,
        "answer": unchunked(answer) == this.answer,
    }
    return [f"{number}: {name}" for name, right in checks.items() if not right]


def measure(scale: float) -> Figure:
    """Send all cases, 16 at once, and compare both ends."""
    total = count(10_000, scale)

    async def run() -> list[str]:
        received: dict[int, tuple[bytes, bytes]] = {}

        async def noting(visit: Visit) -> None:
            take = visit.request

            async def request() -> None:
                await take()
                found = re.search(rb"\r\n[xX]-[cC]ase: (\d+)\r\n", visit.heads[-1])
                if found is not None:
                    received[int(found[1])] = visit.heads[-1], visit.bodies[-1]

            visit.request = request  # type: ignore[method-assign]
            await provider(visit)

        async with stand(noting) as place:
            found = await each(lambda number: differences(place, number, received), range(total), 16)
        return [one for several in found for one in several]

    wrong = asyncio.run(run())
    shown = f" ({'; '.join(wrong[:3])})" if wrong else ""
    return Figure(
        "F9",
        f"{total:,} random requests and answers through the daemon, compared at both ends",
        "0 differences in target, fields and bodies",
        f"{len(wrong)} differences{shown}",
        ok=not wrong,
    )
