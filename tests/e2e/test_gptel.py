"""Real gptel in a real Emacs, stock backends, keys in ~/.authinfo, `sluice-gptel-mode` on, nothing else changed.

One Emacs serves all scenes, as a person's does; each scene has a daemon and a provider of its own.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from stage.canary import Canary
from stage.editor import INSTALL, Emacs, command_of, gptel_path, quoted
from stage.world import HOSTS, KEYS, config

pytestmark = pytest.mark.e2e

SCENES = Path(__file__).parent / "gptel" / "scenes.el"
GROQ = "api.groq.com"
GROQ_KEY = "CANARY-groq-4f1d9c2e8b7a6053"
BACKENDS = (*HOSTS, "groq")
"""The last is an OpenAI-compatible host, with which gptel speaks chat completions instead of responses."""

PATHS = {
    ("openai", True): "/v1/responses",
    ("openai", False): "/v1/responses",
    ("anthropic", True): "/v1/messages",
    ("anthropic", False): "/v1/messages",
    ("gemini", True): "/v1beta/models/gpt-4o-mini:streamGenerateContent",
    ("gemini", False): "/v1beta/models/gpt-4o-mini:generateContent",
    ("groq", True): "/openai/v1/chat/completions",
    ("groq", False): "/openai/v1/chat/completions",
}


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


def test_answers(scene: Any, sandbox: Any) -> None:
    """Four stock backends, streaming and not: the whole answer, the own host's key, the path that gptel chose."""
    provider = sandbox()
    emacs, _ = scene(world(provider))
    before = emacs("(progn (sluice-gptel-mode -1) (prog1 (scenes-state) (sluice-gptel-mode 1)))")
    assert before["advised"] == [None, None]
    for backend in BACKENDS:
        for stream in (True, False):
            result = ask(emacs, backend, "gpt-4o-mini", "한국어 中文 🙂 \"quoted\" and done", stream=stream)
            assert "You said: 한국어 中文 🙂 \"quoted\" and done" in result["text"], result
            assert result["failed"] is None
            assert not [line for line in result["said"] if "luice" in line or "error" in line], result["said"]
            seen = provider.seen[-1]
            assert seen.status == 200
            assert seen.target.partition("?")[0] == PATHS[backend, stream]
            assert {**KEYS, "groq": GROQ_KEY}[backend] in str(seen.headers)
            assert not [name for name, _ in seen.fields() if name.lower().startswith("x-sluice")]
    assert len(provider.seen) == 8
    assert emacs("(progn (sluice-gptel-mode -1) (scenes-state))") == before


@pytest.mark.parametrize("backend", HOSTS)
def test_burst(scene: Any, sandbox: Any, backend: str) -> None:
    """12 prompts at once against 6 a scaled minute: all are answered, and the provider never had to refuse one."""
    provider = sandbox(requests_per_minute=6, minute_s=1.5, tokens_per_minute=None)
    emacs, _ = scene(world(provider, minute_s=1.5, limits="[{requests: 6, per: minute}]"))
    answers = emacs(f"(scenes-burst {quoted(backend)} 12)")
    assert answers == [f"You said: number {n}" for n in range(12)]
    assert [seen.status for seen in provider.seen] == [200] * 12


def test_a_rate_429_in_spite_of_pacing_is_waited_out(scene: Any, sandbox: Any) -> None:
    """The provider refuses the first sending; gptel sees nothing but the answer."""
    provider = sandbox(minute_s=1.0)
    emacs, _ = scene(world(provider, minute_s=1.0))
    for number, backend in enumerate(BACKENDS):
        result = ask(emacs, backend, "rate-limit-once", f"from {backend}", stream=number % 2 == 0)
        assert f"You said: from {backend}" in result["text"]
        assert not [line for line in result["said"] if "error" in line], result["said"]
    assert [seen.status for seen in provider.seen] == [429, 200] * len(BACKENDS)


@pytest.mark.parametrize("backend", HOSTS)
def test_no_credit(scene: Any, sandbox: Any, backend: str) -> None:
    """One line of at most 150 characters: credit is missing, waiting will not help; the whole behind one command."""
    provider = sandbox()
    emacs, _ = scene(world(provider))
    for stream in (True, False):
        result = ask(emacs, backend, "insufficient-quota", stream=stream)
        line = error_line(result)
        message = line.partition(") ")[2] if backend == "gemini" else line.partition(") ")[2].partition(") ")[2]
        assert 20 < len(message) <= 150
        assert "\n" not in line
        assert "credit" in message
        assert "Waiting will not help" in message
        assert result["failed"].startswith("gptel-")
        page = emacs("(scenes-explanation (car (sort (mapcar #'buffer-name scenes--buffers) #'string>)))")
        for part in ("What happened", "What you can do", "How I know", "Copy curl", "credit"):
            assert part in page
    assert [seen.trouble for seen in provider.seen] == ["insufficient-quota"] * 2
