"""F6: keys in every place of a request, and then each place where something is kept or said is searched."""

from __future__ import annotations

import subprocess

from benchmarks.reliability.daemons import HOSTS, KEYS, Rpc, RpcError, chat, config, daemon, exchange, params, sandbox
from benchmarks.reliability.figure import Figure, count
from stage.canary import Canary

SHORT = 0.004
ASKED = ("status", "limits", "queue", "calls", "hello", "subtypes")
COMMANDS = (
    ("status",),
    ("status", "--json"),
    ("calls",),
    ("calls", "--json"),
    ("calls", "last-failed"),
    ("curl", "last-failed"),
    ("curl", "last-failed", "--format", "python"),
    ("curl", "last-failed", "--format", "har"),
    ("explain", "last-failed"),
    ("report", "last-failed"),
    ("check",),
)


def requests(number: int) -> bytes:
    """A request with a key in a header, an own header, the query, or the body."""
    key = f"{KEYS['openai']}{number}"
    model = ("gpt-4o-mini", "gpt-4o-mini", "no-such-model", "insufficient-quota")[number % 4]
    plain = chat(HOSTS["openai"], model, key, user=f"u{number}")
    match number % 3:
        case 1:
            return plain.replace(b"\r\nContent-Type", f"\r\nx-my-token: {key}\r\nContent-Type".encode(), 1)
        case 2:
            return plain.replace(b"completions HTTP", f"completions?key={key}&a=b HTTP".encode(), 1)
        case _:
            return plain


def measure(scale: float) -> Figure:
    """Send, ask, search. What the visitor itself gets back is its own."""
    n = count(10_000, scale, least=20)
    canary, sinks = Canary(), 0
    with sandbox() as provider, daemon(config(provider.url), level="debug") as sluice:
        sluice.env = {**sluice.env, "OPENAI_API_KEY": KEYS["openai"]}
        for number in range(n):
            exchange(sluice.socket, requests(number))
        with Rpc(sluice.socket) as rpc:
            for name in ASKED:
                sinks += 1
                canary.see(f"rpc {name}", str(rpc.call(name)))
            try:
                rpc.call("chat", **params("insufficient-quota"))
            except RpcError as error:
                canary.see("rpc error", str(error.data))
            sinks += 1
        for command in COMMANDS:
            done = sluice.run(*command)
            canary.see(f"daemon {' '.join(command)}", done.stdout + done.stderr)
            sinks += 1
        processes = subprocess.run(["ps", "axww", "-o", "args"], capture_output=True, check=False).stdout
        canary.see("ps", b"\n".join(line for line in processes.splitlines() if b"sluice" in line or b"daemon" in line))
        sluice.stop()
        canary.search(sluice.folder, "F6")
        sinks += 1 + sum(1 for path in sluice.folder.rglob("*") if path.is_file())
    hits = sorted({hit.where.rpartition("/")[2] for hit in canary.hits})
    reached = f"{len(canary.hits)} hits in {sinks} sinks" + (f": {', '.join(hits[:5])}" if hits else "")
    what = f"{n} requests with a marked key in a header, the query or a field of one's own"
    return Figure("F6", what, "0 hits in >= 20 sinks, 0 in ps", reached, ok=not canary.hits and sinks >= 20)
