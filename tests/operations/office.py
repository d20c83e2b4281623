"""A desk with the real parts, and an upstream that plays a script."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from daemon.journal import Journal
from daemon.operations import Desk, operate
from daemon.operations.hub import Hub
from daemon.operations.keys import Keys
from daemon.redact import Redactor
from gateway.scripted import CATALOGUE, World


@dataclass
class Heard:
    """A session that keeps what it hears."""

    notes: list[tuple[str, Any]] = field(default_factory=list)
    texts: list[tuple[Any, str, str]] = field(default_factory=list)
    closers: list[Callable[[], None]] = field(default_factory=list)
    language: str | None = None
    answers: Collection[str] = ()
    told: list[Any] = field(default_factory=list)
    """What it answers to questions, in order; an exception is raised, a function is called."""
    asked: list[tuple[str, Any]] = field(default_factory=list)

    def notify(self, method: str, params: Mapping[str, Any]) -> None:
        """Keep it."""
        self.notes.append((method, params))

    def delta(self, tag: Any, call_id: str, text: str) -> None:
        """Keep it."""
        self.texts.append((tag, call_id, text))

    def on_close(self, action: Callable[[], None]) -> None:
        """Keep it."""
        self.closers.append(action)

    async def ask(self, method: str, params: Mapping[str, Any], timeout_s: float) -> Any:
        """Give the next answer."""
        self.asked.append((method, params))
        answer = self.told.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return await answer() if callable(answer) else answer


class Office:
    """A desk, its world, its journal, and the way to run an operation."""

    def __init__(self, folder: Path, *outcomes: Any, keys: Mapping[str, str] | None = None, **more: Any) -> None:
        redactor = Redactor(b"test")
        self.journal = Journal(folder, redactor=redactor, linger_s=0.0)
        self.hub = Hub(lambda: self.world.pacer.queue(), lambda: self.world.pacer.pools())
        self.events: list[Any] = []
        sinks = (self.events.append, self.journal.record, self.hub.hear)
        self.world = World(*outcomes, sinks=sinks, **more)
        self.world.events = self.events
        self.told: list[str] = []
        self.session = Heard()
        self.proxy: str | None = None
        self.desk = Desk(
            gateway=self.world.gateway,
            pacer=self.world.pacer,
            catalogue=CATALOGUE,
            journal=self.journal,
            redactor=redactor,
            hub=self.hub,
            origin_of=self.world.origin_of,
            key_of=(keys or {}).get,
            keys=Keys(redactor.secret),
            about=lambda: {"pid": 1, "socket": "/run/s"},
            shut_down=lambda: self.told.append("stop"),
            reload=lambda: "read it",
            hand_over=self.hand_over,
            proxy_of=lambda url: self.proxy,
            ca_file="/etc/our-ca.pem",
        )

    def hand_over(self, session: Any, *, done: bool) -> int:
        """Take note."""
        self.told.append("gone" if done else "free")
        return 7

    async def run(self, name: str, tag: Any = 1, **params: Any) -> Any:
        """Run the operation NAME."""
        return await operate(self.desk, name, params, self.session, tag)


Make = Callable[..., Office]
"""The fixture `office`: makes a desk of its outcomes."""
