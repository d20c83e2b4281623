"""The only outbound network: one request to one origin, streamed back.

HTTP/1.1 by a client of our own on asyncio's protocols: a call pays for bytes, not for a library's objects. Only this
room may open a secret. `sender` sends, `request` writes the bytes, `parser` reads what comes, `connection` is one
connection, `pool` keeps those that may be used again, `dialing` and `eyeballs` make new ones.
"""

from daemon.upstream.chunked import Broken, Chunks
from daemon.upstream.faults import StreamCut, failure_of
from daemon.upstream.fields import read_fields
from daemon.upstream.pool import seconds_asleep
from daemon.upstream.response import Response
from daemon.upstream.sender import Upstream
from daemon.upstream.timeouts import Timeouts, Watchdog
from daemon.upstream.tls import check_authorities, tls_context

__all__ = [
    "Broken",
    "Chunks",
    "Response",
    "StreamCut",
    "Timeouts",
    "Upstream",
    "Watchdog",
    "check_authorities",
    "failure_of",
    "read_fields",
    "seconds_asleep",
    "tls_context",
]
