"""The parts, built once, and their life until somebody tells them to stop."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from daemon import __version__, desktop, log, systemd
from daemon.app.lines import State, curl_line, how_it_is
from daemon.app.values import answer_cache, budgets_of, fallback_rules, pacing_settings, reloaded, sharing_rules
from daemon.app.warming import warm
from daemon.config import Config, Paths, load, origins, proxy_lookup
from daemon.doors import porter, rundir
from daemon.doors.claim import Former, Taken
from daemon.doors.ending import Ending
from daemon.doors.http import HttpDoor
from daemon.doors.idleness import Idleness
from daemon.doors.keeper import CHECK_S, Keeper, Stopping
from daemon.doors.listener import Listener
from daemon.doors.request import HttpSettings
from daemon.doors.rpc import RpcDoor
from daemon.doors.standing import Standing
from daemon.errors import ConfigError, NotFound, ShuttingDown
from daemon.explain import Catalogue
from daemon.gateway import SPARE_S, Gateway
from daemon.journal import Journal
from daemon.log import CallLog
from daemon.model import Call, Failure, Origin
from daemon.operations import Desk, Session, operate
from daemon.operations.desk import PROTOCOL
from daemon.operations.hub import Hub
from daemon.operations.keys import Keys
from daemon.operations.lookout import Lookout
from daemon.operations.session import NoSession
from daemon.pacing import Pacer
from daemon.phrases import languages, phrase, texts, told
from daemon.process import (
    QuietLoop,
    connections_that_fit,
    give_back_memory,
    platform_text,
)
from daemon.providers import load_providers
from daemon.redact import Redactor
from daemon.upstream import Timeouts, Upstream, check_authorities
from daemon.usage import PriceList

_log = logging.getLogger("sluice.app")

Ready = Callable[[Path, bool], None]
"""Called with the socket and whether the sandbox answers, as soon as we accept calls."""


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
        ready: Ready,
        log_output: log.Output,
    ) -> None:
        self._config = config
        self._paths = paths
        self._environ = environ
        self._ready = ready
        self._log_output = log_output
        self._sandbox_wanted = sandbox
        self._sandbox_url: str | None = None
        self._started_at = time.time()
        self._stopping = Stopping()
        self._notifier = systemd.Notifier(environ)
        self._keeper: Keeper | None = None
        self._notices: set[asyncio.Task[bool]] = set()
        self.cut = 0
        """How many calls were cut when we ended."""
        self.listener: Listener | None = None
        """The way in by TCP, if the configuration asks for one."""
        self.former: Former | None = None
        """The daemon whose place we take. It is told to go when we serve."""
        self._origin_of = origins(config, load_providers())
        self._redactor = redactor
        self._proxy_of = proxy_lookup(config, environ)
        self._journal = journal
        timeouts = Timeouts(config.timeouts.connect_s, config.timeouts.first_byte_s, config.timeouts.idle_s)
        self._upstream = Upstream(timeouts, ca_file=config.ca_file, proxy_of=self._proxy_of)
        self._catalogue = Catalogue.load(paths.rules_dir)
        self._prices = PriceList(config.prices)
        self._budgets = budgets_of(config, self._prices, lambda alarm: self.warn(alarm.key, alarm.words))
        self._hub = Hub(lambda: self._pacer.queue(), lambda: self._pacer.pools())
        self._lookout = Lookout(
            lambda: self._pacer.pools(),
            lambda warned: self.warn(warned.key, warned.words),
            limit_at=config.warnings.limit_at,
            queue_s=config.warnings.queue_s,
        )
        self._pacer = Pacer(pacing_settings(config), memory=self._journal.memory, on_change=self._hub.changed)
        self._cache = answer_cache(config, self._paths)
        self._gateway = self._make_gateway(config)
        self._journal.catch_up = self._gateway.catch_up
        self._pacer.has_choice = self._gateway.elsewhere.concerns
        self._desk = self._equip(config)

    def _make_gateway(self, config: Config) -> Gateway:
        """The gateway, and who reads what it tells."""
        words = "en" if config.log.style == "json" else config.language
        calls = CallLog(self._redactor, self.curl_of, lambda: self._config.log.bodies, words)
        return Gateway(
            origin_of=self.origin_of,
            pacer=self._pacer,
            catalogue=self._catalogue,
            upstream=self._upstream,
            redactor=self._redactor,
            sinks=(self._hub.hear, self._budgets.hear) if self._budgets else (self._hub.hear,),
            readers=(self._journal.record_all, calls, self._lookout.read),
            spare_s=SPARE_S,
            allowance=self._budgets if self._budgets else None,
            language=config.language,
            explain=config.explain,
            rules=sharing_rules(config),
            cache=self._cache,
            fallback=fallback_rules(config, self._catalogue, self._origin_of),
            key_of=self._environ.get,
            chosen_from=self._with_choice(config),
        )

    def _with_choice(self, config: Config) -> list[Origin]:
        """The hosts with several keys or endpoints; those of a pattern are known when they are called."""
        named = [self.origin_of(one.host) for one in config.upstreams if one.ways and "*" not in one.host]
        return [origin for origin in named if origin is not None and origin.ways]

    def _equip(self, config: Config) -> Desk:
        """The desk at which operations work."""
        return Desk(
            gateway=self._gateway,
            pacer=self._pacer,
            catalogue=self._catalogue,
            journal=self._journal,
            redactor=self._redactor,
            hub=self._hub,
            origin_of=self.origin_of,
            key_of=self._environ.get,
            keys=Keys(self._redactor.secret),
            about=self.about,
            shut_down=self._stopping.asked.set,
            reload=self.reload,
            lookout=self._lookout,
            budgets=self._budgets,
            prices=self._prices,
            currency=config.currency,
            hand_over=self._hand_over,
            language=config.language,
            proxy_of=self._proxy_of,
            ca_file=str(config.ca_file) if config.ca_file else None,
        )

    async def run(self, sock: socket.socket, standing: Standing) -> None:
        """Serve on SOCK, in the place that is STANDING, until told to stop; then drain."""
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(QuietLoop())
        async with contextlib.AsyncExitStack() as stack:
            stack.push_async_callback(self._close_parts)
            if self._sandbox_wanted:
                self._sandbox_url = await self._open_sandbox(stack)
            http, rpc = self._doors()
            self._door = door = porter.Porter(http, rpc, most_silent=self._that_fit(porter.MOST_SILENT))
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.add_signal_handler(number, self._stopping.told)
            loop.add_signal_handler(signal.SIGHUP, self._told_to_reload)
            loop.add_signal_handler(signal.SIGUSR1, self._say_how_it_is)
            warming = asyncio.create_task(warm(self._warm))
            stack.callback(warming.cancel)
            await self._recall_budgets()
            await door.open(sock)
            if self.listener is not None:
                await self.listener.open(http, rpc, self._that_fit(self._config.max_connections))
                _log.info(phrase("log.also_at", url=self.listener.url, file=str(self.listener.token_file)))
            if self.former is not None:
                await self._relieve(self.former)
            self._tell_address()
            where, pid = str(self._paths.socket), os.getpid()
            _log.info(phrase("log.runs", version=__version__, socket=where, pid=pid, platform=platform_text()))
            self._ready(self._paths.socket, self._sandbox_url is not None)
            self._notifier.ready(self._serving())
            idleness = self._idleness(door) if standing.given else None
            self._keeper = Keeper(
                standing, door, self._stopping, alive=self._still_alive, every_s=self._every_s(), idleness=idleness
            )
            watching = asyncio.create_task(self._keeper.watch())
            await self._stopping.asked.wait()
            watching.cancel()
            self._notifier.stopping(phrase("systemd.ending").told(self._config.language))
            replaced = self._keeper.replaced
            ending = Ending(self._gateway, self._pacer, http, rpc, self._stopping, replaced=replaced)
            patience_s = self._config.drain_replaced_s if replaced else self._config.drain_s
            self.cut = await ending.run([door, *([self.listener] if self.listener else [])], patience_s)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1):
            # We end: nothing may cut the journal's last rows.
            loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_IGN)

    async def _relieve(self, former: Former) -> None:
        """Tell the daemon whose place we have that it may go. Whatever it says, the place is ours: we serve."""
        try:
            await asyncio.to_thread(former.leave)
        except Taken:
            _log.warning(phrase("log.former"))
        former.close()

    async def _recall_budgets(self) -> None:
        """Count what was used before this start, if anybody wants to know."""
        if self._budgets:
            with contextlib.suppress(NotFound):
                self._budgets.load(await self._journal.ledger(self._budgets.first_day()))

    def warn(self, key: str, words: str) -> None:
        """Tell the person what will soon be in the way: in the log, to subscribers, and on the desktop if wanted."""
        _log.warning("%s", words)
        self._hub.warn(key, words)
        if self._config.warnings.desktop:
            task = asyncio.get_running_loop().create_task(desktop.show(told(words, self._config.language)))
            self._notices.add(task)
            task.add_done_callback(self._notices.discard)

    def _warm(self) -> None:
        """Read what the first failure would have to read: then it is told as fast as any, also when there is no file
        descriptor left to open anything with. And delete kept answers that are too old: if the cache is off now, nobody
        else does."""
        try:
            import daemon.curl.forms
            import daemon.explain.report  # noqa: F401

            self._catalogue.classify(Failure(status=429))
            for language in languages():
                texts(language)
            self._cache.expire()
            give_back_memory()
        except (OSError, ConfigError) as error:
            _log.warning(phrase("log.cold", why=str(error)))

    def _tell_address(self) -> None:
        """Write the address down for clients. Those who know it find us without."""
        try:
            rundir.write_endpoint(self._paths.endpoint_file, self._paths.socket, __version__, PROTOCOL)
        except OSError as error:
            _log.warning(
                phrase("log.no_address", file=str(self._paths.endpoint_file), why=str(error.strerror or error))
            )

    def _doors(self) -> tuple[HttpDoor, RpcDoor]:
        async def by_http(name: str, params: Mapping[str, Any]) -> Mapping[str, Any]:
            return await operate(self._desk, name, params, NoSession(), None)

        async def by_rpc(name: str, params: Mapping[str, Any], session: Session, tag: Any) -> Mapping[str, Any]:
            return await operate(self._desk, name, params, session, tag)

        config = self._config
        settings = HttpSettings(
            max_body=config.max_body,
            body_idle_s=config.timeouts.body_s,
            write_idle_s=config.timeouts.client_s,
            max_connections=self._that_fit(config.max_connections),
            language=config.language,
        )
        self._http = http = HttpDoor(self._gateway, by_http, settings)
        self._rpc = RpcDoor(
            by_rpc, config.max_body, config.language, crowd=http.crowd, patience_s=config.timeouts.body_s
        )
        return self._http, self._rpc

    def _that_fit(self, wanted: int) -> int:
        """At most so many connections by the socket, and as many by TCP if that is a way in."""
        return connections_that_fit(wanted, ways=1 if self.listener is None else 2)

    async def _close_parts(self) -> None:
        await self._pacer.close()
        self._gateway.close()
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
        return replace(origin, url=self._sandbox_url, ways=())

    def curl_of(self, call: Call, failed: bool) -> str:
        """The curl command of a call that has just ended, for the log."""
        return curl_line(call, failed, self._journal, self._config, self._proxy_of)

    def about(self) -> dict[str, Any]:
        """What the daemon says of itself."""
        return {
            "pid": os.getpid(),
            "socket": str(self._paths.socket),
            "listen": self.listener.url if self.listener else None,
            "token_file": str(self.listener.token_file) if self.listener else None,
            "started_at": self._started_at,
            "sandbox": self._sandbox_url is not None,
            "sandbox_url": self._sandbox_url,
            "connections": self._connections(),
            "turned_away": self._door.turned_away,
        }

    def _connections(self) -> int:
        return self._http.connections + self._rpc.connections

    def reload(self) -> str:
        """Read the configuration again, and put in force what `reloaded` says; the rest waits for the next start.
        Raises ConfigError for one with which that would fail, and then nothing has changed."""
        fresh = load(self._paths.config_file, environ=self._environ, must_exist=self._paths.config_told)
        found = origins(fresh, load_providers())
        fallback_rules(fresh, self._catalogue, found)
        if fresh.ca_file != self._config.ca_file:
            check_authorities(fresh.ca_file)
        self._origin_of, self._config = found, reloaded(self._config, fresh)
        self._gateway.elsewhere.keyring.know(self._with_choice(fresh))
        self._log_output.reopen(fresh.log.level)
        file = self._paths.config_file
        return phrase("ended.reloaded" if file.exists() else "ended.no_file", file=str(file))

    def _told_to_reload(self) -> None:
        self._notifier.reloading()
        try:
            _log.info("%s", self.reload())
        except ConfigError as error:
            self._log_output.reopen()
            _log.error(phrase("log.not_taken", why=error.message))
        self._notifier.ready(self._serving())
        if self._keeper is not None:
            self._looking = asyncio.create_task(self._keeper.look())

    def _say_how_it_is(self) -> None:
        """Log it. Somebody has asked, so it is said whatever the level of the log."""
        state = State(self._started_at, len(self._gateway.running), len(self._pacer.queue()), self._connections())
        for line in how_it_is(state, self._journal.health()):
            _log.handle(log.record_of(_log, logging.INFO, line))

    def _hand_over(self, session: Session, *, done: bool) -> int:
        """Another daemon wants our place, or is DONE taking it. Returns our pid. Raises InvalidCall, ShuttingDown."""
        if self._keeper is None:
            raise ShuttingDown(phrase("refused.stopping"))
        return self._keeper.hand_over(session, done=done)

    def _serving(self) -> str:
        return phrase("systemd.serves", place=str(self._paths.socket)).told(self._config.language)

    def _still_alive(self) -> None:
        """Feed the watchdog, if the journal's thread gets on, too."""
        if self._journal.alive:
            self._notifier.alive()

    def _idleness(self, door: porter.Porter) -> Idleness | None:
        """What knows when nobody needs us, if we may end then: whoever comes next starts another of us, but not by
        TCP."""
        after_s = self._config.idle_exit_s
        if after_s is None or self.listener is not None:
            return None
        return Idleness(door, after_s, busy=self._in_use, stored=self._stored)

    def _in_use(self) -> bool:
        return bool(self._connections() or self._gateway.running)

    async def _stored(self) -> bool:
        return not self._journal.salvaging and await self._journal.flush()

    def _every_s(self) -> float:
        """How often to look: each minute, and at least twice in the time that a watchdog waits."""
        return min(CHECK_S, (self._notifier.watchdog_s or CHECK_S * 2) / 2)
