"""After a failure in real gptel: the note and its keys, in chats, rewrites, and whatever uses `gptel-request`."""

from __future__ import annotations

import re
import sys
from typing import Any

import pytest

from stage.editor import quoted
from stage.gptel import until, world
from stage.processes import ROOT

pytestmark = pytest.mark.e2e

SOON = "queue: {max_wait_interactive: 300ms}\n"
"""So that a rate limit, which clears in 1.5 s or 30 s here, is not waited out, but told."""

LIMITED = "requests-per-minute"
"""The model that is refused once for its rate."""


def shown(emacs: Any, name: str) -> str:
    """What the buffer NAME shows beside its text, as soon as it does."""
    return str(emacs(f"(wire-until (scenes-shown {quoted(name)}))"))


def press(emacs: Any, name: str, key: str) -> Any:
    """C-c ? KEY in the buffer NAME; the command that this is."""
    return emacs(f"(scenes-press {quoted(name)} {quoted(key)})")


def test_a_chat_sends_again_when_it_clears(scene: Any, sandbox: Any) -> None:
    """A rate limit that is not waited out: `t` waits until it clears, then the same goes again and is answered."""
    provider = sandbox(minute_s=3.0, requests_per_minute=2, tokens_per_minute=None)
    emacs, _ = scene(world(provider, minute_s=3.0, more=SOON))
    emacs('(scenes-chat "*chat*" "openai" \'requests-per-minute "Hello")')
    emacs('(scenes-over "*chat*")')
    note = shown(emacs, "*chat*")
    assert re.search(
        r"\[Failed\. C-c \? then e explain, t send again at [\d:]+, w copy curl, d dismiss\]", " ".join(note.split())
    )
    press(emacs, "*chat*", "w")
    assert "OPENAI_API_KEY" in emacs("(current-kill 0)")
    press(emacs, "*chat*", "t")
    assert emacs('(wire-until (string-search "You said: Hello" (wire-text "*chat*")))')
    assert [seen.status for seen in provider.seen] == [429, 200]
    assert provider.seen[0].body == provider.seen[1].body
    assert emacs('(scenes-shown "*chat*")') is None


def test_dismissed_it_is_not_sent_again(scene: Any, sandbox: Any) -> None:
    """`t`, then `d` before it clears: nothing goes out any more."""
    provider = sandbox(requests_per_minute=2, tokens_per_minute=None)
    emacs, _ = scene(world(provider, more=SOON))
    emacs('(scenes-chat "*chat*" "openai" \'requests-per-minute "Hello")')
    emacs('(scenes-over "*chat*")')
    assert "t send again at" in shown(emacs, "*chat*")
    press(emacs, "*chat*", "t")
    assert "d do not" in shown(emacs, "*chat*")
    press(emacs, "*chat*", "d")
    assert emacs('(scenes-shown "*chat*")') is None
    assert not emacs("(cl-find #'sluice-gptel-failure--send timer-list :key #'timer--function)")
    assert len(provider.seen) == 1


def test_a_request_of_another_package(scene: Any, sandbox: Any) -> None:
    """`gptel-request` from any buffer: its callback hears of the failure; the note is there; sent again, it is called
    with the answer; the text of the buffer is not touched."""
    provider = sandbox(minute_s=3.0, requests_per_minute=2, tokens_per_minute=None)
    emacs, _ = scene(world(provider, minute_s=3.0, more=SOON))
    result = emacs('(scenes-request "*raw*" "openai" \'requests-per-minute)')
    assert emacs("scenes-answered") == ["failed"]
    assert result["failed"]
    assert "t send again" in shown(emacs, "*raw*")
    press(emacs, "*raw*", "e")
    assert "What happened" in emacs('(wire-text "*Sluice explain*")')
    press(emacs, "*raw*", "t")
    assert emacs('(wire-until (equal (car scenes-answered) "You said: Hello"))')
    assert emacs('(wire-text "*raw*")') == "text of the user"
    assert emacs('(scenes-shown "*raw*")') is None


@pytest.mark.parametrize("model", ["insufficient-quota", LIMITED])
def test_a_rewrite_that_fails(scene: Any, sandbox: Any, model: str) -> None:
    """gptel gives up the rewrite; the note explains and copies, but cannot send again: the place is gone. The text is
    as it was, and the next rewrite takes the note away."""
    provider = sandbox(requests_per_minute=2, tokens_per_minute=None)
    emacs, _ = scene(world(provider, more=SOON))
    result = emacs(f'(scenes-rewrite "openai" "teh gate" "Mend it." \'{model})')
    name = result["name"]
    assert result["text"] == "teh gate"
    assert result["offered"] is None
    assert [line for line in result["said"] if "response error" in line]
    assert re.search(r"then e explain, w copy curl, d dismiss\]", shown(emacs, name))
    press(emacs, name, "e")
    assert "What you can do" in emacs('(wire-text "*Sluice explain*")')
    press(emacs, name, "w")
    assert "curl" in emacs("(current-kill 0)")
    assert "begin it anew" in emacs(f'(scenes-pressed-in-vain {quoted(name)} "t")')
    press(emacs, name, "d")
    assert emacs(f"(scenes-shown {quoted(name)})") is None
    assert emacs(f"(wire-text {quoted(name)})") == "teh gate"


def test_presets(scene: Any, sandbox: Any) -> None:
    """A preset chooses backend and model; its call goes through like any other."""
    provider = sandbox()
    emacs, daemon = scene(world(provider))
    assert "You said: by preset" in emacs("(scenes-presets)")["text"]
    assert provider.seen[-1].target == "/v1/messages"
    assert "emacs-gptel" in daemon.run("calls", "--json").stdout


def test_without_the_daemon_one_key_explains(scene: Any, sandbox: Any) -> None:
    """gptel goes direct, no daemon runs: after a real 429 one key asks the real program, which says `likely`."""
    provider = sandbox()
    emacs, daemon = scene(world(provider))
    daemon.stop()
    port = provider.url.rpartition(":")[2]
    program = f'(list {quoted(sys.executable)} "-m" "daemon" "serve")'
    try:
        emacs(f'(progn (setenv "PYTHONPATH" {quoted(str(ROOT))}) (setq sluice-daemon-command {program}))')
        result = emacs(f"(scenes-direct {port})")
        assert result["failed"] is None
        assert "C-c ? then e explain" in shown(emacs, "*direct*")
        assert press(emacs, "*direct*", "e") == "sluice-explain-last"
        page = emacs('(wire-until (let ((page (wire-text "*Sluice explain*")))'
                     ' (and page (string-search "What happened" page) page)))')  # fmt: skip
        assert "credit" in page
        assert "What you can do" in page
        header = emacs('(with-current-buffer "*Sluice explain*" (sluice-explain--header))')
        assert header.startswith("429")
        assert "likely" in header
        assert until(lambda: not emacs("(sluice-rpc-live-p sluice--connection)"))
    finally:
        emacs("(progn (sluice-gptel-explain-mode -1) (custom-reevaluate-setting 'sluice-daemon-command)"
              ' (setenv "PYTHONPATH" nil))')  # fmt: skip
