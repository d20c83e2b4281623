"""F6: keys in every place of a request, and then each place where something is kept or said is searched.

Meanwhile it is looked again and again at what every user can see of all processes, and at what the daemon's children
were given. A key in a prompt is known as such when it is the call's own or has the shape of a well-known one.
"""

from __future__ import annotations

import contextlib
import json
import secrets
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

from benchmarks.reliability.daemons import HOSTS, Rpc, RpcError, Sluice, chat, config, daemon, exchange, params, sandbox
from benchmarks.reliability.figure import Figure, count
from stage.canary import MARK, Canary
from stage.processes import SandboxThread

SHORT = 0.004
KEY = f"CANARY-figure-{secrets.token_hex(12)}"
"""Of this run alone: others on the machine may test with keys of their own, which are in nobody's way here."""
SHAPED = f"sk-proj-{MARK.decode()}0{secrets.token_hex(12)}"
"""A key that came with no call, known by its shape."""
MODELS = ("gpt-4o-mini", "gpt-4o-mini", "no-such-model", "insufficient-quota")
PLACES = 6
ASKED = ("status", "limits", "queue", "calls", "hello", "subtypes", "usage", "cache")
ASKED_OF_A_CALL = ("show", "curl", "explain", "report")
LOOK_S = 0.05
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


def request(number: int) -> tuple[bytes, tuple[str, ...]]:
    """A request with its key in a header, and again in a header of one's own, the query, the prompt, a field of the
    body or in the place of the model; and what of it the provider must get."""
    key = f"{KEY}{number}"
    model, place = MODELS[number // PLACES % len(MODELS)], number % PLACES
    more: dict[str, object] = {"user": f"u{number}"}
    if place == 3:
        more["messages"] = [{"role": "user", "content": f"Why is {key} refused, and {SHAPED}{number} not?"}]
    elif place == 4:
        more["user"] = key
    elif place == 5:
        model = key
    plain = chat(HOSTS["openai"], model, key, **more)
    if place == 1:
        plain = plain.replace(b"\r\nContent-Type", f"\r\nx-my-token: {key}\r\nContent-Type".encode(), 1)
    elif place == 2:
        plain = plain.replace(b"completions HTTP", f"completions?key={key}&a=b HTTP".encode(), 1)
    wanted = (
        f"Bearer {key}",
        f"x-my-token: {key}",
        f"key={key}&",
        f"Why is {key} refused, and {SHAPED}",
        f'"user": "{key}"',
        f'"model": "{key}"',
    )
    return plain, (wanted[0], wanted[place])


def received(provider: SandboxThread) -> str:
    """The newest request at the provider, as one text."""
    seen = provider.sandbox.seen[-1]
    fields = "\n".join(f"{name}: {value}" for name, value in seen.fields())
    return f"{seen.target}\n{fields}\n{seen.body.decode()}"


class Looks:
    """What is seen of processes: the command lines of all, and the environments of the daemon and its children."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.number = 0
        """How often the daemon was among them."""
        self.names: set[str] = set()
        self.hits: set[str] = set()

    def look(self) -> None:
        """Once."""
        parents: dict[int, int] = {}
        for folder in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):  # it has ended
                self._search(folder, "cmdline")
                name, _, rest = (folder / "stat").read_text().partition("(")[2].rpartition(")")
                self.names.add(name)
                parents[int(folder.name)] = int(rest.split()[1])
        for pid in parents:
            if self._is_of_the_daemon(pid, parents):
                with contextlib.suppress(OSError):  # what nobody may read tells nobody
                    self._search(Path(f"/proc/{pid}"), "environ")
        self.number += self.pid in parents

    def _search(self, folder: Path, name: str) -> None:
        data = (folder / name).read_bytes()
        if KEY.encode() in data or SHAPED.encode() in data:
            self.hits.add(f"{name} of {data.split(chr(0).encode())[0][:40].decode(errors='replace')}")

    def _is_of_the_daemon(self, pid: int, parents: dict[int, int]) -> bool:
        while pid > 1 and pid != self.pid:
            pid = parents.get(pid, 0)
        return pid == self.pid

    @contextlib.contextmanager
    def going_on(self) -> Iterator[None]:
        """Within, another look every LOOK_S."""
        over = threading.Event()

        def run() -> None:
            while not over.wait(LOOK_S):
                self.look()

        thread = threading.Thread(target=run)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()


def measure(scale: float) -> Figure:
    """Send, ask, search. What the visitor itself gets back is its own."""
    n = count(10_000, scale, least=20)
    canary = Canary()
    with sandbox() as provider, daemon(config(provider.url), level="debug") as sluice:
        sluice.env = {**sluice.env, "OPENAI_API_KEY": KEY}
        looks = Looks(sluice.pid)
        with looks.going_on():
            missing = 0
            for number in range(n):
                data, wanted = request(number)
                exchange(sluice.socket, data)
                got = received(provider)
                missing += not all(part in got for part in wanted)
            sinks = asked(sluice, canary) + commanded(sluice, canary)
            repeated = replayed(sluice, looks)
        sluice.stop()
        canary.search(sluice.folder.parent, "F6")
        sinks += sum(1 for path in sluice.folder.parent.rglob("*") if path.is_file())
    hits = sorted({hit.where.rpartition("/")[2] for hit in canary.hits} | looks.hits)
    reached = f"{len(hits)} hits in {sinks} sinks and {looks.number} looks at all processes"
    reached += f": {', '.join(hits[:5])}" if hits else ""
    reached += f"; {missing} keys did not arrive" if missing else ""
    what = f"{n} requests with a marked key in a header, one's own header, the query, the prompt, a field or the model"
    target = "0 hits in >= 20 sinks, 0 in ps; the provider gets each"
    looked = looks.number >= 5 and (repeated or scale < 0.1)
    return Figure("F6", what, target, reached, ok=not hits and not missing and sinks >= 20 and looked)


def asked(sluice: Sluice, canary: Canary) -> int:
    """See what operations answer, also of the newest failed calls; return how many answers that were."""
    with Rpc(sluice.socket) as rpc:
        answers = {name: rpc.call(name) for name in ASKED}
        words = f"Why is {KEY} refused, and {SHAPED}?"
        try:
            rpc.call(
                "chat", **{**params("insufficient-quota"), "key": KEY, "messages": [{"role": "user", "content": words}]}
            )
        except RpcError as error:
            answers["chat"] = [str(error), error.data]
        for row in rpc.call("calls", failed=True, limit=4 * PLACES)["calls"]:
            for name in ASKED_OF_A_CALL:
                answers[f"{name} {row['id']}"] = rpc.call(name, call=row["id"])
    for name, answer in answers.items():
        canary.see(f"rpc {name}", json.dumps(answer, ensure_ascii=False))
    return len(answers)


def commanded(sluice: Sluice, canary: Canary) -> int:
    """See what commands print; return how many that were."""
    for command in COMMANDS:
        done = sluice.run(*command)
        canary.see(f"daemon {' '.join(command)}", done.stdout + done.stderr)
    return len(COMMANDS)


def replayed(sluice: Sluice, looks: Looks) -> bool:
    """Run the curl command of the newest failed call; True if curl was seen at work. No key may be in its words."""
    if shutil.which("curl") is None:
        return False
    command = sluice.run("curl", "last-failed").stdout
    looks.names.discard("curl")
    for _ in range(20):
        with subprocess.Popen(
            ["sh", "-c", command], env=dict(sluice.env), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as run:
            while run.poll() is None:
                looks.look()
        if "curl" in looks.names:
            return True
    return False
