"""Real gptel in a real Emacs, as scenes: stock backends, keys in ~/.authinfo, the sandbox in the providers' places."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from stage.canary import Canary
from stage.editor import INSTALL, ROOT, Emacs, command_of, gptel_path, quoted
from stage.world import HOSTS, KEYS, config

SCENES = ROOT / "tests" / "e2e" / "gptel" / "scenes.el"
GROQ = "api.groq.com"
GROQ_KEY = "CANARY-groq-4f1d9c2e8b7a6053"
BACKENDS = (*HOSTS, "groq")
"""The last is an OpenAI-compatible host, with which gptel speaks chat completions instead of responses."""


def world(provider: Any, *, minute_s: float | None = None, limits: str = "", more: str = "") -> str:
    """A config.yaml that sends all four backends to the sandbox."""
    minute = f", minute: {minute_s * 1000:.0f}ms" if minute_s else ""
    groq = f"- {{host: {GROQ}, url: '{provider.url}', provider: groq{minute}}}\n"
    return config(provider.url, minute_s=minute_s, limits=limits, more=groq + more)


class Editor:
    """The Emacs of this module: begun when it is needed, begun again if a scene has killed it."""

    def __init__(self, folder: Path, canary: Canary) -> None:
        self._folder, self._canary = folder, canary
        self._emacs: Emacs | None = None

    def get(self) -> Emacs:
        """The Emacs; skips the test when there is none."""
        command = command_of(30)
        if command is None:
            pytest.skip(f"Emacs 30 is missing; {INSTALL}")
        if not gptel_path():
            pytest.skip(f"gptel is missing; {INSTALL}")
        if self._emacs is None or not self._emacs.alive:
            self.close()
            lines = [f"machine {host} login apikey password {KEYS[name]}" for name, host in HOSTS.items()]
            lines.append(f"machine {GROQ} login apikey password {GROQ_KEY}")
            (self._folder / ".authinfo").write_text("\n".join(lines) + "\n")
            self._emacs = Emacs(command, self._folder, self._canary, path=gptel_path())
            self._emacs(f"(load {quoted(str(SCENES))} nil t)")
        return self._emacs

    def close(self) -> None:
        """End it."""
        if self._emacs is not None:
            self._emacs.close()


@pytest.fixture(scope="module")
def editor(tmp_path_factory: pytest.TempPathFactory, canary: Canary) -> Iterator[Editor]:
    """The module's Emacs."""
    one = Editor(tmp_path_factory.mktemp("emacs"), canary)
    yield one
    one.close()


@pytest.fixture
def scene(editor: Editor, sluice: Any) -> Iterator[Any]:
    """`scene(config text)` gives Emacs and a daemon that it knows; the mode is on."""
    emacs = editor.get()

    def begin(text: str, **options: Any) -> tuple[Emacs, Any]:
        daemon = sluice(text, **options)
        emacs(f"(scenes-begin {quoted(str(daemon.state_dir))})")
        return emacs, daemon

    yield begin
    if emacs.alive:
        emacs("(scenes-end)")


def ask(emacs: Emacs, backend: str, model: str, text: str = "Hello", *, stream: bool = True) -> Any:
    """One prompt and what came of it: `text` of the chat, what was `said`, the call that `failed`."""
    return emacs(f"(scenes-ask {quoted(backend)} '{model} {quoted(text)} :stream {'t' if stream else 'nil'})")


def error_line(result: Any) -> str:
    """The one line of gptel in the echo area that tells of an error."""
    lines = [line for line in result["said"] if " error: (" in line]
    assert len(lines) == 1, result["said"]
    return str(lines[0])


def until(true: Any, timeout_s: float = 15.0) -> bool:
    """Ask again and again until TRUE or the time is up; the last answer."""
    ends = time.monotonic() + timeout_s
    while not true() and time.monotonic() < ends:
        threading.Event().wait(0.05)
    return bool(true())
