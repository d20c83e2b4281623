"""Who takes part: how each is installed, started in front of the provider, and asked."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import shutil
import socket
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter

from benchmarks.toll.caller import Place, Refused, load
from benchmarks.toll.cores import for_gateways
from benchmarks.toll.programs import ROOT, Program

HERE = Path(__file__).resolve().parent
HOST = "provider.test"
PEERS = Path(os.environ.get("SLUICE_BENCH_PEERS", Path.home() / ".cache" / "sluice-bench"))
"""Where gateways are looked for that are too large for a Python environment of ours."""
START_S = 60.0
NGINX = """daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  keepalive_requests 100000000; client_max_body_size 64m; client_body_buffer_size 2m;
  upstream provider {{ server 127.0.0.1:{port}; keepalive 256; keepalive_requests 100000000; }}
  server {{
    listen {listen};
    location / {{ proxy_pass http://provider; proxy_http_version 1.1; proxy_set_header Connection "";
                 proxy_buffering off; }}
  }}
}}
"""
LITELLM = """model_list:
- model_name: quick
  litellm_params: {{model: openai/quick, api_base: 'http://127.0.0.1:{port}/v1', api_key: CANARY-toll}}
litellm_settings: {{telemetry: false}}
"""


@dataclass(frozen=True, slots=True)
class Contender:
    """One that takes part. `kind` says how it is started."""

    name: str
    title: str
    kind: str
    install: str = ""
    """The line that installs it."""
    options: Mapping[str, str] | None = None

    def missing(self) -> bool:
        """True if it is not installed."""
        return self.kind != "direct" and program(self) is None


SPEED = "pip install -e '.[speed]'"
LITELLM_PIP = "P=~/.cache/sluice-bench/litellm; python3 -m venv $P && $P/bin/pip install 'litellm[proxy]'"
PORTKEY = (
    "P=~/.cache/sluice-bench; mkdir -p $P && cp benchmarks/toll/portkey.json $P/package.json && npm install --prefix $P"
)
CONTENDERS: Mapping[str, Contender] = {
    one.name: one
    for one in (
        Contender("direct", "no gateway", "direct"),
        Contender("nginx", "nginx, TCP", "nginx", "apt-get install nginx-light"),
        Contender("nginx-socket", "nginx, socket", "nginx", "apt-get install nginx-light", {"socket": "yes"}),
        Contender("plain", "bare aiohttp and uvloop", "plain", SPEED),
        Contender("sluice", "**Sluice**", "sluice"),
        Contender("sluice-speed", "**Sluice**, extra `speed`", "sluice", SPEED, {"speed": "yes"}),
        Contender("litellm", "LiteLLM proxy", "litellm", LITELLM_PIP),
        Contender("portkey", "Portkey gateway", "portkey", PORTKEY),
    )
}


def program(contender: Contender) -> str | None:
    """The program that CONTENDER needs, or None where it is not installed."""
    if contender.kind == "nginx":
        return shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if contender.kind == "litellm":
        found = PEERS / "litellm" / "bin" / "litellm"
        return str(found) if found.exists() else shutil.which("litellm")
    if contender.kind == "portkey":
        found = PEERS / "node_modules" / "@portkey-ai" / "gateway" / "build" / "start-server.js"
        return str(found) if found.exists() and shutil.which("node") else None
    needs_uvloop = contender.kind == "plain" or (contender.options or {}).get("speed")
    return sys.executable if not needs_uvloop or importlib.util.find_spec("uvloop") else None


class Running:
    """A contender that answers at `place`. `started_s`: seconds from its start to its first answered call."""

    def __init__(self, contender: Contender, place: Place, program: Program | None, started_s: float) -> None:
        self.contender = contender
        self.place = place
        self.program = program
        self.started_s = started_s

    async def stop(self) -> None:
        """End it."""
        if self.program is not None:
            await self.program.stop()


async def start(contender: Contender, folder: Path, port: int, config: str = "") -> Running:
    """Start CONTENDER in FOLDER in front of the provider at PORT, and wait for its first answer.

    CONFIG is added to Sluice's own. Raises Refused when it does not come up.
    """
    direct = Place(("127.0.0.1", port))
    if contender.kind == "direct":
        return Running(contender, direct, None, 0.0)
    make_folder(folder)
    place, command, more = _LAUNCH[contender.kind](contender, folder, port, config)
    begun = perf_counter()
    with for_gateways():
        process = Program(command, folder, more)
    try:
        await _first_answer(place, process)
    except BaseException:
        await process.stop()
        raise
    return Running(contender, place, process, perf_counter() - begun)


def make_folder(folder: Path) -> None:
    """A folder for one contender; it may be there."""
    folder.mkdir(mode=0o700, exist_ok=True)


async def _first_answer(place: Place, process: Program) -> None:
    """Ask every 2 ms until there is an answer with 200."""
    until, why = perf_counter() + START_S, ""
    request = place.request()
    while perf_counter() < until:
        if not process.running:
            raise Refused(f"it ended at once:\n{process.output()}")
        try:
            await load(place, [request], calls=1)
            return
        except OSError as error:
            why = str(error)
        except Refused as refused:  # it listens, and is not ready
            why = str(refused)
        await asyncio.sleep(0.002)
    raise Refused(f"no answer after {START_S:g} s ({why}):\n{process.output()}")


Launch = tuple[Place, Sequence[str], Mapping[str, str]]


def _nginx(contender: Contender, folder: Path, port: int, config: str) -> Launch:
    on_socket = bool((contender.options or {}).get("socket"))
    own = free_port()
    place = Place(str(folder / "s")) if on_socket else Place(("127.0.0.1", own))
    listen = f"unix:{folder}/s" if on_socket else f"127.0.0.1:{own}"
    user = "user root;\n" if os.geteuid() == 0 else ""  # its worker must read the folder
    (folder / "nginx.conf").write_text(user + NGINX.format(folder=folder, port=port, listen=listen))
    return place, [str(program(contender)), "-p", str(folder), "-c", str(folder / "nginx.conf")], {}


def _plain(contender: Contender, folder: Path, port: int, config: str) -> Launch:
    command = [
        sys.executable,
        str(HERE / "plain.py"),
        "--socket",
        str(folder / "s"),
        "--to",
        f"http://127.0.0.1:{port}",
    ]
    return Place(str(folder / "s")), command, {}


def _sluice(contender: Contender, folder: Path, port: int, config: str) -> Launch:
    own = f"upstreams:\n- host: {HOST}\n  url: http://127.0.0.1:{port}\n  provider: openai-compatible\n"
    (folder / "config.yaml").write_text(own + config)
    command = [sys.executable, "-m", "daemon", "serve", "--socket", str(folder / "s"),
               "--config", str(folder / "config.yaml"), "--state-dir", str(folder / "state")]  # fmt: skip
    more = {} if (contender.options or {}).get("speed") else without_uvloop(folder)
    return replace(Place(str(folder / "s")), host=HOST), command, more


def without_uvloop(folder: Path) -> Mapping[str, str]:
    """The environment in which Python finds no uvloop, as without the extra `speed`."""
    blind = folder / "blind"
    blind.mkdir(exist_ok=True)
    (blind / "uvloop.py").write_text("raise ImportError('not installed')\n")
    return {"PYTHONPATH": f"{blind}:{ROOT}"}


def _litellm(contender: Contender, folder: Path, port: int, config: str) -> Launch:
    own = free_port()
    (folder / "config.yaml").write_text(LITELLM.format(port=port))
    command = [str(program(contender)), "--config", str(folder / "config.yaml"), "--host", "127.0.0.1",
               "--port", str(own), "--num_workers", "1"]  # fmt: skip
    more = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_LOG": "ERROR",
            "LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY": "true"}  # fmt: skip
    return Place(("127.0.0.1", own)), command, more


def _portkey(contender: Contender, folder: Path, port: int, config: str) -> Launch:
    own = free_port()
    fields = (("x-portkey-provider", "openai"), ("x-portkey-custom-host", f"http://127.0.0.1:{port}/v1"))
    command = ["node", str(program(contender)), "--headless", f"--port={own}"]
    trusted = {"TRUSTED_CUSTOM_HOSTS": "localhost,127.0.0.1"}
    return replace(Place(("127.0.0.1", own)), headers=fields), command, trusted


_LAUNCH = {"nginx": _nginx, "plain": _plain, "sluice": _sluice, "litellm": _litellm, "portkey": _portkey}


def free_port() -> int:
    """A port that nobody has at the moment."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


class Provider:
    """The canned provider as a process; `port` is where it listens."""

    def __init__(self, folder: Path, chunks: int, gap_ms: float) -> None:
        make_folder(folder)
        command = [sys.executable, "-u", str(HERE / "upstream.py"), "--chunks", str(chunks), "--gap-ms", str(gap_ms)]
        self._program = Program(command, folder)
        self.port = 0

    async def start(self) -> None:
        """Wait until it listens. Raises Refused."""
        until = perf_counter() + START_S
        while perf_counter() < until and self._program.running:
            if word := self._program.output().strip():
                self.port = int(word.splitlines()[-1])
                return
            await asyncio.sleep(0.005)
        raise Refused(f"the provider did not start:\n{self._program.output()}")

    async def stop(self) -> None:
        """End it."""
        await self._program.stop()
