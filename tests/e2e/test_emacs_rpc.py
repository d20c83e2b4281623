"""Sluice's own commands in Emacs 28.2 and 30.1, by JSON-RPC against the real daemon and the sandbox."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from stage.canary import Canary
from stage.editor import INSTALL, Emacs, command_of, quoted
from stage.processes import ROOT, short_folder
from stage.world import HOSTS, KEYS, config

pytestmark = pytest.mark.e2e

COMMANDS = Path(__file__).parent / "gptel" / "commands.el"
MAJORS = (28, 30)


class Editors:
    """An Emacs of each version, begun when it is needed, and again if a scene has killed it."""

    def __init__(self, folder: Callable[[str], Path], canary: Canary) -> None:
        self._folder, self._canary = folder, canary
        self._running: dict[int, Emacs] = {}

    def get(self, major: int) -> Emacs:
        """The Emacs of this version; skips the test when there is none."""
        command = command_of(major)
        if command is None:
            pytest.skip(f"Emacs {major} is missing; {INSTALL}")
        if major not in self._running or not self._running[major].alive:
            home = self._folder(f"emacs{major}")
            lines = [f"machine {host} login apikey password {KEYS[name]}" for name, host in HOSTS.items()]
            (home / ".authinfo").write_text("\n".join(lines) + "\n")
            self._running[major] = Emacs(command, home, self._canary)
            self._running[major](f"(load {quoted(str(COMMANDS))} nil t)")
        return self._running[major]

    def close(self) -> None:
        """End them."""
        for emacs in self._running.values():
            emacs.close()


@pytest.fixture(scope="module")
def editors(tmp_path_factory: pytest.TempPathFactory, canary: Canary) -> Iterator[Editors]:
    """The module's Emacsen."""
    all_of_them = Editors(tmp_path_factory.mktemp, canary)
    yield all_of_them
    all_of_them.close()


@pytest.fixture(params=MAJORS)
def major(request: pytest.FixtureRequest) -> int:
    """Each version of Emacs that is supported: the oldest and the newest."""
    return int(request.param)


@pytest.fixture
def emacs(editors: Editors, major: int) -> Emacs:
    """The Emacs of this version."""
    return editors.get(major)


def begin(emacs: Emacs, daemon: Any) -> None:
    """Make the daemon the one that Emacs finds by itself."""
    emacs(f"(commands-begin {quoted(str(daemon.state_dir))})")


def send(emacs: Emacs, model: str, text: str = "Hello", name: str = "*essay*") -> Any:
    """One prompt by `sluice-send`, and what came of it."""
    return emacs(f"(commands-send {quoted(name)} {quoted(model)} {quoted(text)})")


def until(true: Any, timeout_s: float = 15.0) -> bool:
    """Ask again and again until TRUE or the time is up; the last answer."""
    ends = time.monotonic() + timeout_s
    while not true() and time.monotonic() < ends:
        threading.Event().wait(0.05)
    return bool(true())


def test_chat(emacs: Emacs, sluice: Any, sandbox: Any) -> None:
    """`sluice-send` streams each provider's answer in, with the key of ~/.authinfo; one undo takes it away."""
    provider = sandbox()
    begin(emacs, sluice(config(provider.url)))
    for name, host in HOSTS.items():
        emacs(f"(setq sluice-host {quoted(host)})")
        buffer = f"*to {name}*"
        result = send(emacs, "gpt-4o-mini", "한국어 中文 🙂 done", buffer)
        assert result["text"] == "한국어 中文 🙂 done\n\nYou said: 한국어 中文 🙂 done"
        assert result["failed"] is None
        assert "has answered" in result["said"][-1]
        assert KEYS[name] in str(provider.seen[-1].headers)
        emacs(f"(with-current-buffer {quoted(buffer)} (setq last-command nil) (undo-boundary) (undo))")
        assert emacs(f"(wire-text {quoted(buffer)})") == "한국어 中文 🙂 done"
    assert [seen.status for seen in provider.seen] == [200, 200, 200]


def test_a_failure(emacs: Emacs, sluice: Any, sandbox: Any) -> None:
    """One line says why; explain-last, copy-curl, calls and status go on from there; no key anywhere."""
    provider = sandbox()
    begin(emacs, daemon := sluice(config(provider.url)))
    result = send(emacs, "insufficient-quota")
    assert result["text"] == "Hello"
    line = result["said"][-1]
    assert len(line) <= 150
    assert "credit" in line
    assert "Waiting will not help" in line
    assert result["failed"] == result["call"]
    page = emacs('(commands-page "*essay*" #\'sluice-explain-last)')
    for part in ("What happened", "What happens now", "What you can do", "How I know", "[w] Copy curl"):
        assert part in page
    emacs('(with-current-buffer "*Sluice explain*" (sluice-copy-curl))')
    command = emacs("(current-kill 0)")
    assert "OPENAI_API_KEY" in command
    again = subprocess.run(
        ["sh", "-c", command], env={**os.environ, "OPENAI_API_KEY": KEYS["openai"]}, cwd=daemon.folder,
        capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    assert "insufficient_quota" in again.stdout, again
    assert provider.seen[-1].body == provider.seen[-2].body
    rows = emacs('(plist-get (sluice-ask "calls" \'(:failed t)) :calls)')
    assert [row["id"] for row in rows] == [result["call"]]
    status = emacs("(progn (wire-said) (sluice-status) (car (wire-said)))")
    assert str(daemon.pid) in status
    assert "no call waits" in status


def test_a_pasted_error(emacs: Emacs, sluice: Any) -> None:
    """`sluice-explain-region` explains the text of any program."""
    begin(emacs, sluice())
    page = emacs("(commands-explain-text \"openai.RateLimitError: Error code: 429 - {'error': {'message': 'gone', "
                 "'type': 'insufficient_quota', 'param': None, 'code': 'insufficient_quota'}}\")")  # fmt: skip
    assert "credit" in page
    assert "What you can do" in page


def test_stopping(emacs: Emacs, sluice: Any, sandbox: Any) -> None:
    """`sluice-abort` in mid-stream: the provider's connection is closed, what had come stays, and it is no failure."""
    provider = sandbox(chunk_s=0.03)
    begin(emacs, sluice(config(provider.url)))
    emacs('(commands-type "*essay*" "long-200" "count")')
    emacs('(wire-until (string-match-p " 12 " (wire-text "*essay*")))')
    emacs('(with-current-buffer "*essay*" (sluice-abort))')
    assert until(lambda: provider.seen[-1].closed_by_client)
    text = emacs('(wire-text "*essay*")')
    assert " 12 " in text
    emacs("(let ((limit (+ (float-time) 0.2))) (while (< (float-time) limit) (accept-process-output nil 0.02)))")
    assert emacs('(wire-text "*essay*")') == text
    assert emacs("(wire-said)")[-1] == "Stopped"
    assert emacs("sluice--newest-failure") is None


def test_waiting_shows_why_and_can_be_stopped(emacs: Emacs, sluice: Any, sandbox: Any) -> None:
    """A call that waits says so where its answer will stand; stopped there, the provider never hears of it."""
    provider = sandbox(requests_per_minute=1, tokens_per_minute=None)
    begin(emacs, sluice(config(provider.url, limits="[{requests: 1, per: minute}]")))
    send(emacs, "gpt-4o-mini")
    emacs('(commands-type "*second*" "gpt-4o-mini" "second")')
    shown = emacs('(wire-until (commands-shown "*second*"))')
    assert "waits, next in line" in shown
    assert "goes in" in shown
    assert "requests" in shown
    emacs('(with-current-buffer "*second*" (sluice-abort))')
    assert emacs('(commands-shown "*second*")') is None
    assert emacs('(wire-until (null (plist-get (sluice-ask "queue") :queue)))')
    assert len(provider.seen) == 1


def test_a_conversation(emacs: Emacs, sluice: Any, sandbox: Any) -> None:
    """In a chat each question goes with all that was said before; one undo takes an answer and its headings away."""
    provider = sandbox()
    begin(emacs, sluice(config(provider.url)))
    emacs('(progn (sluice-chat) (setq sluice-model "gpt-4o-mini") (buffer-enable-undo) nil)')
    for text in ("안녕?", "And now?"):
        emacs(f'(with-current-buffer "*Sluice chat*" (goto-char (point-max)) (insert {quoted(text)}) (undo-boundary)'
              ' (call-interactively (key-binding (kbd "C-c C-c"))) nil)')  # fmt: skip
        emacs("(commands-over)")
    talk = "=== user ===\n\n안녕?\n\n=== assistant ===\n\nYou said: 안녕?\n\n=== user ===\n\nAnd now?"
    answer = "\n\n=== assistant ===\n\nYou said: And now?\n\n=== user ===\n\n"
    assert emacs('(wire-text "*Sluice chat*")') == talk + answer
    said = [(one["role"], one["content"]) for one in json.loads(provider.seen[-1].body)["messages"]]
    assert said == [("user", "안녕?"), ("assistant", "You said: 안녕?"), ("user", "And now?")]
    emacs('(with-current-buffer "*Sluice chat*" (setq last-command nil) (undo-boundary) (undo))')
    assert emacs('(wire-text "*Sluice chat*")') == talk


def test_a_rewrite(emacs: Emacs, sluice: Any, sandbox: Any) -> None:
    """The proposal changes nothing until `a`; then it is one step of undo. A diff shows it before."""
    provider = sandbox()
    begin(emacs, sluice(config(provider.url)))
    emacs('(with-current-buffer (get-buffer-create "*essay*") (buffer-enable-undo) (insert "Before.\\nOld text.\\n")'
          ' (undo-boundary) (setq sluice-model "gpt-4o-mini") (sluice-rewrite 9 19 "shorter") nil)')  # fmt: skip
    emacs("(commands-over)")
    assert emacs('(wire-text "*essay*")') == "Before.\nOld text.\n"
    assert "shorter" in json.loads(provider.seen[-1].body)["messages"][0]["content"]
    press = '(with-current-buffer "*essay*" (call-interactively (key-binding "{}")) nil)'
    emacs(press.format("d"))
    assert "-Old text.\n+You said: Old text.\n" in emacs('(wire-text "*Sluice diff*")')
    emacs(press.format("a"))
    assert emacs('(wire-text "*essay*")') == "Before.\nYou said: Old text.\n"
    emacs('(with-current-buffer "*essay*" (setq last-command nil) (undo-boundary) (undo))')
    assert emacs('(wire-text "*essay*")') == "Before.\nOld text.\n"


def test_quit_in_the_middle(emacs: Emacs, sluice: Any, sandbox: Any) -> None:
    """What C-g is bound to while an answer comes closes the provider's connection; afterwards C-g is as ever."""
    provider = sandbox(chunk_s=0.03)
    begin(emacs, sluice(config(provider.url)))
    emacs('(commands-type "*essay*" "long-200" "count")')
    emacs('(wire-until (string-match-p " 12 " (wire-text "*essay*")))')
    emacs('(with-current-buffer "*essay*" (call-interactively (key-binding (kbd "C-g"))) nil)')
    assert until(lambda: provider.seen[-1].closed_by_client)
    assert emacs('(with-current-buffer "*essay*" (key-binding (kbd "C-g")))') == "keyboard-quit"


def test_a_killed_buffer(emacs: Emacs, sluice: Any, sandbox: Any) -> None:
    """An answer whose buffer is killed in the middle is whole in the buffer of answers."""
    provider = sandbox(chunk_s=0.01)
    begin(emacs, sluice(config(provider.url)))
    emacs('(commands-type "*essay*" "long-60" "count")')
    emacs('(wire-until (string-match-p " 5 " (wire-text "*essay*")))')
    emacs('(kill-buffer "*essay*")')
    emacs("(commands-over)")
    assert emacs('(string-trim (wire-text "*Sluice answer*"))') == " ".join(str(n) for n in range(1, 61))


def test_five_thousand_words(emacs: Emacs, sluice: Any, sandbox: Any) -> None:
    """A long answer arrives whole and in order, and is one step of undo."""
    provider = sandbox()
    begin(emacs, sluice(config(provider.url)))
    text = send(emacs, "long-5000", "count")["text"]
    assert text.rstrip() == "count\n\n" + " ".join(str(n) for n in range(1, 5001))
    emacs('(with-current-buffer "*essay*" (setq last-command nil) (undo-boundary) (undo))')
    assert emacs('(wire-text "*essay*")') == "count"


def test_raw_bytes(emacs: Emacs, sluice: Any, sandbox: Any) -> None:
    """Bytes that are no text reach the provider as U+FFFD, and everything else as it is."""
    provider = sandbox()
    begin(emacs, sluice(config(provider.url)))
    emacs('(progn (commands-send "*essay*" "gpt-4o-mini"'
          ' (concat "שלום" (string (unibyte-char-to-multibyte 233)) "👩‍👩‍👧 한")) nil)')  # fmt: skip
    assert json.loads(provider.seen[-1].body)["messages"][-1]["content"] == "שלום\ufffd👩‍👩‍👧 한"


def test_the_mode_line_and_the_queue(emacs: Emacs, sluice: Any, sandbox: Any) -> None:
    """A call that waits is counted in the mode line; in the queue `d` puts it among those that nobody waits for."""
    provider = sandbox(requests_per_minute=1, tokens_per_minute=None)
    begin(emacs, sluice(config(provider.url, limits="[{requests: 1, per: minute}]")))
    emacs("(sluice-mode-line-mode 1)")
    send(emacs, "gpt-4o-mini")
    emacs('(commands-type "*second*" "gpt-4o-mini" "second")')
    assert re.search(r" \S*1 [01]:\d\d$", emacs("(wire-until sluice-mode-line-string)"))
    emacs('(progn (sluice-queue) (with-current-buffer "*Sluice queue*" (wire-until sluice-dashboard--rows)'
          ' (goto-char (point-min)) (call-interactively (key-binding "d")) nil))')  # fmt: skip
    rows = emacs('(plist-get (sluice-ask "queue") :queue)')
    assert [row["priority"] for row in rows] == ["normal"]
    emacs('(progn (with-current-buffer "*second*" (sluice-abort)) (wire-until (null sluice-mode-line-string))'
          " (sluice-mode-line-mode -1) sluice-mode-line--clock)")  # fmt: skip
    assert emacs("sluice-mode-line--clock") is None


def test_the_doctor(emacs: Emacs, sluice: Any, sandbox: Any, tmp_path: Path) -> None:
    """With the real daemon and its own check: versions, socket and keys by name; never a key."""
    begin(emacs, daemon := sluice(config(sandbox().url)))
    program = tmp_path / "sluice"
    program.write_text(f'#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} -m daemon "$@"\n')
    program.chmod(0o755)
    emacs(f'(setq sluice-daemon-command (list {quoted(str(program))} "serve"))')
    emacs('(progn (sluice-doctor) (with-current-buffer "*Sluice doctor*"'
          " (wire-until (consp sluice-doctor--check)) nil))")  # fmt: skip
    page = emacs('(wire-text "*Sluice doctor*")')
    assert f"process {daemon.pid}" in page
    assert "This package is version" in page
    assert "is yours alone (mode 600)" in page
    assert "machine api.openai.com login apikey" in page
    assert "The daemon's own check finds nothing to mend" in page
    assert not [key for key in KEYS.values() if key in page]


def test_a_daemon_that_is_killed_and_comes_back(emacs: Emacs, sluice: Any, sandbox: Any) -> None:
    """Killed in the middle of an answer: it is said, nothing hangs. Started again: the next command goes through."""
    provider = sandbox(chunk_s=0.03)
    begin(emacs, daemon := sluice(config(provider.url)))
    emacs('(commands-type "*essay*" "long-200" "count")')
    emacs('(wire-until (string-match-p " 12 " (wire-text "*essay*")))')
    daemon.kill9()
    emacs("(commands-over)")
    said = emacs("(wire-said)")[-1]
    assert "gone away" in said
    assert "the answer is not complete" in said
    refused = emacs('(condition-case err (commands-type "*later*" "gpt-4o-mini" "x") (user-error (cadr err)))')
    assert "M-x sluice-start" in refused
    assert "not running" in emacs("(progn (sluice-status) (car (last (wire-said))))")
    daemon.restart()
    assert send(emacs, "gpt-4o-mini", "again", "*later 2*")["text"].endswith("You said: again")


def test_two_emacsen(editors: Editors, sluice: Any, sandbox: Any) -> None:
    """Both versions on one daemon: one stops its answer, the other's goes on; each explains its own failure."""
    provider = sandbox(chunk_s=0.02)
    daemon = sluice(config(provider.url))
    old, new = (editors.get(major) for major in MAJORS)
    for one in (old, new):
        begin(one, daemon)
    for one in (old, new):
        one('(commands-type "*essay*" "long-60" "count")')
        one('(wire-until (string-match-p " 5 " (wire-text "*essay*")))')
    old('(with-current-buffer "*essay*" (sluice-abort))')
    new("(commands-over)")
    assert new('(wire-text "*essay*")').rstrip().endswith(" 59 60")
    assert until(lambda: [seen.closed_by_client for seen in provider.seen] == [True, False])
    old_failure = send(old, "insufficient-quota", name="*old*")["failed"]
    new_failure = send(new, "not-in-plan", name="*new*")["failed"]
    assert old_failure != new_failure
    assert "credit" in old('(commands-page "*old*" #\'sluice-explain-last)')
    assert "not-in-plan" in new('(commands-page "*new*" #\'sluice-explain-last)')


def test_starting_the_daemon(editors: Editors, sandbox: Any, canary: Canary, major: int, tmp_path: Path) -> None:
    """With `sluice-start-daemon` on, the first prompt starts the real daemon, which outlives the Emacs."""
    provider = sandbox()
    editors.get(major)  # skips without this Emacs
    (tmp_path / "config.yaml").write_text(config(provider.url))
    home = tmp_path / "home"
    home.mkdir()
    (home / ".authinfo").write_text(f"machine {HOSTS['openai']} login apikey password {KEYS['openai']}\n")
    with short_folder(canary) as short:
        environment = {
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
            "SLUICE_STATE_DIR": str(tmp_path / "state"), "SLUICE_CONFIG": str(tmp_path / "config.yaml"),
            "SLUICE_SOCKET": str(short / "s"), "PYTHONPATH": str(ROOT),
            "XDG_RUNTIME_DIR": str(short), "TMPDIR": str(short),
        }  # fmt: skip
        canary.watch(tmp_path)
        emacs = Emacs(str(command_of(major)), home, canary, load=[], env=environment)
        pid = None
        try:
            emacs(f"(load {quoted(str(COMMANDS))} nil t)")
            emacs("(setq sluice-start-daemon t)")
            result = send(emacs, "gpt-4o-mini", "first")
            pid = emacs("(plist-get (sluice-rpc-hello sluice--connection) :pid)")
            assert result["text"].endswith("You said: first")
            emacs.close()
            assert json.loads((tmp_path / "state" / "endpoint.json").read_text())["pid"] == pid
            os.kill(pid, 0)
        finally:
            emacs.close()
            stop(pid or pid_in(tmp_path / "state"))


def pid_in(state: Path) -> int | None:
    """The process id of the daemon that has written into this state directory, if any."""
    with contextlib.suppress(OSError, ValueError, KeyError):
        return int(json.loads((state / "endpoint.json").read_text())["pid"])
    return None


def stop(pid: int | None) -> None:
    """End the daemon with this process id, and wait for that."""
    if pid is None:
        return
    os.kill(pid, signal.SIGTERM)
    assert until(lambda: not alive(pid))


def alive(pid: int) -> bool:
    """True while the process runs; one that has ended, but whose new parent has not looked yet, does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{pid}/status")
    return not (status.exists() and "State:\tZ" in status.read_text())
