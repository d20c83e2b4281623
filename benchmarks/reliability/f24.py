"""F24: the configuration is read again and again, broken every second time, while a stream runs."""

from __future__ import annotations

import contextlib
import signal

from benchmarks.reliability.daemons import Rpc, RpcError, config, daemon, exchange, params, sandbox, status
from benchmarks.reliability.figure import Figure, count

SHORT = 0.02
RELAY = b"GET /v1/models HTTP/1.1\r\nHost: relay.example\r\nConnection: close\r\n\r\n"


def measure(scale: float) -> Figure:
    """Half by signal, half by the operation; a host that only a broken file names must never be reachable."""
    n = count(1000, scale, least=20)
    changed = accepted = 0
    with sandbox(chunk_s=0.02) as provider:
        good = config(provider.url)
        relay = f"- {{host: relay.example, url: '{provider.url}', provider: openai-compatible}}\n"
        broken = (
            "upstreams: [",
            good + relay + "nonsense: 1\n",
            "\x00",
            good + relay + "drain: -1s\n",
            good + relay + "queue: 7\n",
        )
        with daemon(good) as sluice, Rpc(sluice.socket) as rpc, Rpc(sluice.socket) as other:
            stream = rpc.start("chat", **params(f"long-{max(200, n)}"))
            rpc.wait_for("delta")
            for number in range(n):
                bad = number % 2 == 0
                sluice.config.write_text(broken[number // 2 % len(broken)] if bad else good, encoding="utf-8")
                if number % 4 < 2:
                    sluice.signal(signal.SIGHUP)
                else:
                    with contextlib.suppress(RpcError):
                        other.call("reload")
                        accepted += bad
                changed += bad and status(exchange(sluice.socket, RELAY)) == 200
            whole = rpc.result(stream)["finish"] == "stop"
            sluice.config.write_text(good + relay, encoding="utf-8")
            other.call("reload")
            taken = status(exchange(sluice.socket, RELAY)) == 200
    return Figure(
        "F24",
        f"{n} reloads, {(n + 1) // 2} of them of broken files, under a stream",
        "0 cut streams, 0 settings changed by a broken file",
        f"{0 if whole else 1} cut, {changed + accepted} changed; the good one {'' if taken else 'not '}in force",
        ok=whole and taken and not changed and not accepted,
    )
