"""Builds the parts once, opens the socket, and lives until it is told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import logging
import os
import resource
import secrets
import signal
import socket
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from daemon import __version__, log
from daemon.config import Config, Paths, load, origins, proxy_lookup
from daemon.curl import curl_command, needs_file
from daemon.doors import porter
from daemon.doors.http import HttpDoor, HttpSettings
from daemon.doors.rpc import RpcDoor
from daemon.errors import ConfigError
from daemon.explain import Catalogue
from daemon.gateway import Gateway
from daemon.journal import Journal
from daemon.model import Call, Failure, Origin
from daemon.operations import Desk, Session, operate
from daemon.operations.desk import PROTOCOL, NoSession
from daemon.operations.hub import Hub
from daemon.pacing import Pacer, PacingSettings
from daemon.providers import load_providers, provider_for
from daemon.redact import Redactor
from daemon.upstream import Timeouts, Upstream

_log = logging.getLogger("sluice.app")


def serve(paths: Paths, *, sandbox: bool, environ: Mapping[str, str]) -> int:
    """Run the daemon until it is told to stop. Raises ConfigError, AlreadyRunning before it has begun."""
    os.umask(0o077)
    _keep_memory_private()
    _raise_file_limit()
    config = load(paths.config_file, environ=environ, must_exist=paths.config_told)
    if config.socket is not None and not paths.socket_told:
        paths = replace(paths, socket=config.socket, socket_told=True)
    porter.prepare_folder(paths.state_dir)
    porter.prepare_folder(paths.socket.parent)
    with contextlib.ExitStack() as stack:
        for lock_file in (paths.state_dir / "lock", paths.socket.with_name(paths.socket.name + ".lock")):
            stack.callback(porter.Lock(lock_file).release)
        redactor = Redactor(install_secret(paths.state_dir / "install-secret"))
        handlers = log.set_up(
            redactor,
            level=config.log.level,
            style=config.log.style,
            file=paths.log_file if config.log.file == "auto" else config.log.file,
            max_bytes=config.log.max_bytes,
            keep=config.log.keep,
        )
        stack.callback(log.take_down, handlers)
        sock = porter.bind(paths.socket)
        stack.callback(_unlink_own, paths.socket, os.stat(paths.socket).st_ino)
        journal = open_journal(config, paths, redactor)
        stack.callback(journal.close)
        app = App(config, paths, redactor, journal, environ=environ, sandbox=sandbox)
        _loop_runner()(app.run(sock))
    return 0


def open_journal(config: Config, paths: Paths, redactor: Redactor) -> Journal:
    """The journal, writing. It is open before the pacer asks what it remembers."""
    keep = config.journal
    journal = Journal(
        paths.state_dir,
        redactor=redactor,
        bodies=keep.bodies,
        max_bytes=keep.max_bytes,
        max_age_days=keep.max_age_s / 86400,
        max_body_bytes=keep.max_body,
    )
    journal.start()
    return journal


class App:
    """The parts, and their life."""

    def __init__(
        self,
        config: Config,
        paths: Paths,
        redactor: Redactor,
        journal: Journal,
        *,
        environ: Mapping[str, str],
        sandbox: bool,
    ) -> None:
        self._config = config
        self._paths = paths
        self._environ = environ
        self._sandbox_wanted = sandbox
        self._sandbox_url: str | None = None
        self._started_at = time.time()
        self._stop = asyncio.Event()
        self._origin_of = origins(config, load_providers())
        self._redactor = redactor
        self._proxy_of = proxy_lookup(config, environ)
        self._journal = journal
        timeouts = config.timeouts
        self._upstream = Upstream(
            Timeouts(timeouts.connect_s, timeouts.first_byte_s, timeouts.idle_s),
            ca_file=config.ca_file,
            proxy_of=self._proxy_of,
        )
        self._catalogue = Catalogue.load(paths.rules_dir)
        self._hub = Hub(lambda: self._pacer.queue(), lambda: self._pacer.pools())
        self._pacer = Pacer(pacing_settings(config), memory=self._journal.memory, on_change=self._hub.changed)
        self._gateway = Gateway(
            origin_of=self.origin_of,
            pacer=self._pacer,
            catalogue=self._catalogue,
            upstream=self._upstream,
            redactor=redactor,
            sinks=(self._journal.record, log.CallLog(redactor, self.curl_of), self._hub.hear),
            language=config.language,
            explain=config.explain,
        )
        self._desk = Desk(
            gateway=self._gateway,
            pacer=self._pacer,
            catalogue=self._catalogue,
            journal=self._journal,
            redactor=redactor,
            hub=self._hub,
            origin_of=self.origin_of,
            key_of=self._environ.get,
            about=self.about,
            shut_down=self._stop.set,
            reload=self.reload,
            language=config.language,
        )

    async def run(self, sock: socket.socket) -> None:
        """Serve until told to stop, then drain."""
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(_QuietLoop())
        async with contextlib.AsyncExitStack() as stack:
            stack.push_async_callback(self._close_parts)
            if self._sandbox_wanted:
                self._sandbox_url = await self._open_sandbox(stack)
            http, rpc = self._doors()
            door = porter.Porter(http, rpc)
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.add_signal_handler(number, self._told_to_stop)
            loop.add_signal_handler(signal.SIGHUP, self._told_to_reload)
            warming = asyncio.create_task(asyncio.to_thread(self._catalogue.classify, Failure(status=429)))
            stack.push_async_callback(asyncio.wait, {warming})
            await door.open(sock)
            porter.write_endpoint(self._paths.endpoint_file, self._paths.socket, __version__, PROTOCOL)
            self._announce()
            await self._stop.wait()
            _log.info("stopping: no new calls, %g s for those that run", self._config.drain_s)
            door.close()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._config.drain_s):
                    await self._drained(rpc)
            await http.close(1.0)
            rpc.close()

    def _doors(self) -> tuple[HttpDoor, RpcDoor]:
        async def by_http(name: str, params: Mapping[str, Any]) -> Mapping[str, Any]:
            return await operate(self._desk, name, params, NoSession(), None)

        async def by_rpc(name: str, params: Mapping[str, Any], session: Session, tag: Any) -> Mapping[str, Any]:
            return await operate(self._desk, name, params, session, tag)

        config = self._config
        settings = HttpSettings(
            max_body=config.max_body, body_idle_s=config.timeouts.body_s, max_connections=config.max_connections
        )
        self._http, self._rpc = HttpDoor(self._gateway, by_http, settings), RpcDoor(by_rpc, config.max_body)
        return self._http, self._rpc

    async def _drained(self, rpc: RpcDoor) -> None:
        """Wait until nothing runs. What still waits in the queue is told to come back later."""
        await self._pacer.close()
        await self._gateway.drained()
        await rpc.drained()

    async def _close_parts(self) -> None:
        await self._pacer.close()
        self._hub.close()
        await self._upstream.close()

    async def _open_sandbox(self, stack: contextlib.AsyncExitStack) -> str:
        from daemon.sandbox import Sandbox, SandboxSettings

        sandbox = Sandbox(SandboxSettings())
        stack.push_async_callback(sandbox.stop)
        return await sandbox.start()

    # ---- what others ask the app

    def origin_of(self, host: str) -> Origin | None:
        """Where calls for HOST go; in sandbox mode all known hosts are the sandbox."""
        origin = self._origin_of(host)
        if origin is None or self._sandbox_url is None:
            return origin
        return replace(origin, url=self._sandbox_url)

    def curl_of(self, call: Call) -> str:
        """The curl command of a call that has just failed, for the log."""
        provider = provider_for(call.origin.provider)
        variable = call.origin.key_variable or (provider.key_variable if provider is not None else None)
        body_file = str(self._journal.body_file(call.id)) if needs_file(call.body) else None
        return curl_command(
            call,
            key_variable=variable,
            body_file=body_file,
            proxy=self._proxy_of(call.origin.url),
            ca_file=str(self._config.ca_file) if self._config.ca_file else None,
        )

    def about(self) -> dict[str, Any]:
        """What the daemon says of itself."""
        return {
            "pid": os.getpid(),
            "socket": str(self._paths.socket),
            "started_at": self._started_at,
            "sandbox": self._sandbox_url is not None,
            "connections": self._http.connections + self._rpc.connections,
        }

    def reload(self) -> str:
        """Read the configuration again. What concerns hosts and words is taken at once; the rest at the next start."""
        fresh = load(self._paths.config_file, environ=self._environ, must_exist=self._paths.config_told)
        self._origin_of, self._config = origins(fresh, load_providers()), fresh
        logging.getLogger("sluice").setLevel(fresh.log.level.upper())
        return f"read {self._paths.config_file}; hosts, limits and log level are in force, the rest at the next start"

    def _told_to_reload(self) -> None:
        try:
            _log.warning("%s", self.reload())
        except ConfigError as error:
            _log.error("the configuration was not taken, the old one stays: %s", error.message)

    def _told_to_stop(self) -> None:
        if self._stop.is_set():  # the second time means now
            raise SystemExit(1)
        self._stop.set()

    def _announce(self) -> None:
        for line in ready_lines(self._paths.socket, sandbox=self._sandbox_url is not None):
            print(line, flush=True)


def ready_lines(socket_path: Path, *, sandbox: bool) -> list[str]:
    """The line that says we are ready and, in sandbox mode, three lines to paste."""
    lines = [f"sluice ready: unix:{socket_path}"]
    if sandbox:
        me = Path(sys.argv[0]).absolute()
        body = '{"model":"gpt-4o-mini","messages":[{"role":"user","content":"Hello"}]}'
        elisp = Path(__file__).absolute().parent.parent / "elisp"
        lisp = (
            f'(progn (require (quote sluice-gptel)) (setq sluice-socket "{socket_path}" gptel-api-key "sandbox") '
            '(sluice-gptel-mode 1) (switch-to-buffer (gptel "*Sluice*")))'
        )
        error = "((HTTP/1.1 429 Too Many Requests) insufficient_quota) You exceeded your current quota"
        lines += [
            "",
            "The built-in sandbox provider answers all calls: no key is needed and nothing leaves this machine.",
            "Paste one of these into another terminal; stop with C-c.",
            "",
            f"curl --unix-socket {socket_path} http://api.openai.com/v1/chat/completions "
            f"-H 'Content-Type: application/json' -d '{body}'",
            "",
            f"emacs -L {elisp} --eval '{lisp}'",
            "",
            f"{me} explain --text '{error}'",
        ]
    return lines


def pacing_settings(config: Config) -> PacingSettings:
    """The pacer's part of the configuration."""
    return replace(
        PacingSettings(),
        max_waiting=config.queue.max_waiting,
        max_wait_s=config.queue.max_wait_s,
        max_wait_interactive_s=config.queue.max_wait_interactive_s,
        tries=config.retry.tries,
        rate_tries=config.retry.rate_tries,
        backoff_base_s=config.retry.base_s,
        backoff_cap_s=config.retry.cap_s,
        budget_share=config.retry.budget,
    )


def install_secret(file: Path) -> bytes:
    """The secret under which keys get their bucket names; made at the first start. Losing it only renames buckets."""
    try:
        with contextlib.suppress(FileNotFoundError):
            kept = file.read_bytes()
            if len(kept) == 32:
                return kept
        made = secrets.token_bytes(32)
        fd = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        with os.fdopen(fd, "wb") as out:
            out.write(made)
    except OSError as error:
        raise ConfigError(f"{file} cannot be used ({error.strerror}); move it away, a new one is then made") from error
    return made


class _QuietLoop:
    """The loop's exception handler: each text at most once a second, without the objects' reprs."""

    def __init__(self) -> None:
        self._said: dict[str, float] = {}

    def __call__(self, loop: asyncio.AbstractEventLoop, context: Mapping[str, Any]) -> None:
        text = str(context.get("message"))
        now = loop.time()
        if now - self._said.get(text, -1.0) >= 1.0:
            self._said[text] = now
            _log.error("event loop: %s", text, exc_info=context.get("exception"))


def _loop_runner() -> Callable[[Any], None]:
    """asyncio.run, on uvloop where the `speed` extra is installed."""
    try:
        import uvloop
    except ImportError:
        return asyncio.run
    return uvloop.run  # type: ignore[no-any-return,unused-ignore]


def _keep_memory_private() -> None:
    """No core files, and no reading of our memory by other processes of the same user."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(4, 0, 0, 0, 0)  # PR_SET_DUMPABLE = 4


def _raise_file_limit() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 4096 if hard == resource.RLIM_INFINITY else min(hard, 4096)
    if soft < wanted:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _unlink_own(path: Path, inode: int) -> None:
    """Remove our socket file at the end, unless a newer daemon has put its own there."""
    with contextlib.suppress(OSError):
        if path.stat().st_ino == inode:
            path.unlink()
