"""The yardstick: the least that a Python gateway on aiohttp can be. A Unix socket in front, one client session behind,
bytes through as they come; nothing is read, paced, counted or kept.

    python benchmarks/toll/plain.py --socket PATH --to http://127.0.0.1:PORT
"""

from __future__ import annotations

import argparse
import asyncio

import aiohttp
from aiohttp import web

HOP_BY_HOP = frozenset({"connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "host"})
OURS = frozenset({"Accept", "Accept-Encoding", "User-Agent", "Content-Type"})


class Plain:
    """Sends each request on to one place."""

    def __init__(self, to: str) -> None:
        self._to = to
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0), auto_decompress=False, cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(), skip_auto_headers=OURS,
        )  # fmt: skip

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        """The whole request there, the answer back piece by piece."""
        body = await request.read()
        headers = [(name, value) for name, value in request.headers.items() if name.lower() not in HOP_BY_HOP]
        async with self._session.request(
            request.method, self._to + request.raw_path, data=body or None, headers=headers, allow_redirects=False
        ) as answer:
            kept = [(name, value) for name, value in answer.headers.items() if name.lower() not in HOP_BY_HOP]
            response = web.StreamResponse(status=answer.status, reason=answer.reason)
            response.headers.extend(kept)
            await response.prepare(request)
            async for chunk in answer.content.iter_any():
                await response.write(chunk)
            await response.write_eof()
            return response


async def main() -> None:
    """Serve until killed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--socket", required=True)
    parser.add_argument("--to", required=True)
    options = parser.parse_args()
    server = web.Server(Plain(options.to), access_log=None)
    runner = web.ServerRunner(server)
    await runner.setup()
    await web.UnixSite(runner, options.socket, backlog=512).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    try:
        from uvloop import run
    except ImportError:
        run = asyncio.run  # type: ignore[assignment,unused-ignore]
    run(main())
