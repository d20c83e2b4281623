"""The provider of this benchmark: a process of its own that answers canned bytes, so fast that it does not matter.

    python benchmarks/toll/upstream.py --chunks 200 --gap-ms 5

Prints its port. One path for all: a body that asks for a stream gets CHUNKS events, GAP_MS apart on an absolute
schedule; one whose model is `stuck` gets no answer at all; every other one gets one short JSON answer.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
from typing import cast

LIMITS = (
    b"x-ratelimit-limit-requests: 100000000\r\nx-ratelimit-remaining-requests: 99999999\r\n"
    b"x-ratelimit-reset-requests: 1ms\r\nx-ratelimit-limit-tokens: 100000000000\r\n"
    b"x-ratelimit-remaining-tokens: 99999999000\r\nx-ratelimit-reset-tokens: 1ms\r\n"
)
"""As OpenAI sends them, so large that nobody has to wait."""

STREAM = re.compile(rb'"stream": ?true')
STUCK = re.compile(rb'"model": ?"stuck"')
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)


def whole() -> bytes:
    """The answer to a plain call: headers and about half a kilobyte of JSON."""
    message = {"role": "assistant", "content": "It passes through, and nothing is added. " * 6}
    usage = {"prompt_tokens": 250, "completion_tokens": 60, "total_tokens": 310}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    body = json.dumps({"id": "chatcmpl-1", "object": "chat.completion", "created": 1_700_000_000,
                       "model": "quick", "choices": [choice], "usage": usage}).encode()  # fmt: skip
    head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n" + LIMITS
    return head + b"content-length: %d\r\n\r\n" % len(body) + body


def events(count: int) -> list[bytes]:
    """COUNT events of a stream as HTTP chunks, each in one piece; the last one holds the end, too."""
    out = []
    for number in range(count):
        last = number == count - 1
        delta = {} if last else {"content": f"word{number} "}
        choice = {"index": 0, "delta": delta, "finish_reason": "stop" if last else None}
        text = b"data: " + json.dumps({"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1_700_000_000,
                                       "model": "quick", "choices": [choice]}).encode() + b"\n\n"  # fmt: skip
        text += b"data: [DONE]\n\n" if last else b""
        out.append(b"%x\r\n%s\r\n" % (len(text), text) + (b"0\r\n\r\n" if last else b""))
    return out


STREAM_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n" + LIMITS + b"transfer-encoding: chunked\r\n\r\n"


class Provider(asyncio.Protocol):
    """One connection. Requests are read as little as possible: where they end, and what they ask for."""

    def __init__(self, answer: bytes, chunks: list[bytes], gap_s: float) -> None:
        self._answer = answer
        self._chunks = chunks
        self._gap_s = gap_s
        self._parts: list[bytes] = []
        self._missing = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember where answers go."""
        self._transport = cast(asyncio.Transport, transport)
        self._loop = asyncio.get_running_loop()

    def data_received(self, data: bytes) -> None:
        """Collect one request; a client sends the next one only when it has the answer."""
        self._parts.append(data)
        if self._missing > len(data):
            self._missing -= len(data)
            return
        request = data if len(self._parts) == 1 else b"".join(self._parts)
        self._parts = [request]
        missing = unfinished(request)
        if missing:
            self._missing = missing
            return
        self._parts, self._missing = [], 0
        self._reply(request)

    def _reply(self, request: bytes) -> None:
        if STREAM.search(request):
            self._transport.write(STREAM_HEAD + self._chunks[0])
            self._next(1, self._loop.time())
        elif not STUCK.search(request):
            self._transport.write(self._answer)

    def _next(self, number: int, start: float) -> None:
        """Chunk NUMBER at its time, counted from the START of the stream."""
        if number < len(self._chunks):
            self._loop.call_at(start + number * self._gap_s, self._chunk, number, start)

    def _chunk(self, number: int, start: float) -> None:
        if not self._transport.is_closing():
            self._transport.write(self._chunks[number])
            self._next(number + 1, start)


def unfinished(request: bytes) -> int:
    """How many bytes REQUEST lacks; at least one while that is not known, 0 when it is whole."""
    end = request.find(b"\r\n\r\n")
    if end < 0:
        return 1
    length = LENGTH.search(request, 0, end + 2)
    if length is not None:
        return max(0, end + 4 + int(length[1]) - len(request))
    chunked = b"transfer-encoding: chunked" in request[:end].lower()
    return 1 if chunked and not request.endswith(b"\r\n0\r\n\r\n") else 0


async def main() -> None:
    """Serve until killed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--chunks", type=int, default=200)
    parser.add_argument("--gap-ms", type=float, default=5.0)
    options = parser.parse_args()
    answer, chunks = whole(), events(options.chunks)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: Provider(answer, chunks, options.gap_ms / 1000), "127.0.0.1", 0, backlog=1024
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    try:
        from uvloop import run
    except ImportError:
        run = asyncio.run  # type: ignore[assignment,unused-ignore]
    run(main())
