"""The calls of Emacs' package llm, through the real plz and curl, against the real daemon and the sandbox.

llm itself cannot be had from an archive that the tests reach; tests/elisp/fake-llm.el has the two functions through
which its requests go, with the same arguments.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from stage.canary import Canary
from stage.editor import INSTALL, ROOT, Emacs, command_of, quoted
from stage.world import CHATS, KEYS, config

pytestmark = pytest.mark.e2e

SETUP = """(progn (require 'fake-llm) (require 'sluice-llm)
  (setenv "SLUICE_STATE_DIR" %s)
  (setq sluice-start-daemon nil fake-llm-said nil)
  (defvar fake-llm-said nil)
  (defun ask (url headers data)
    (setq fake-llm-said nil)
    (llm-request-plz-async url :headers headers :data data
                           :on-success (lambda (text) (setq fake-llm-said text))
                           :on-error (lambda (_ text) (setq fake-llm-said (list :error text))))
    (wire-until fake-llm-said))
  (sluice-llm-mode 1))"""


@pytest.fixture(params=[28, 30])
def emacs(request: pytest.FixtureRequest, canary: Canary, tmp_path: Path) -> Iterator[Emacs]:
    """An Emacs with plz."""
    command = command_of(request.param)
    plz = [part for part in os.environ.get("SLUICE_PLZ_PATH", "").split(os.pathsep) if part]
    if command is None or not plz:
        pytest.skip(f"Emacs {request.param} or plz is missing; {INSTALL}")
    one = Emacs(command, tmp_path, canary, path=[*plz, str(ROOT / "tests" / "elisp")])
    yield one
    one.close()


def ask(emacs: Emacs, api: Any, model: str, *, stream: bool) -> Any:
    """One request as llm makes it; what it hands on."""
    name, _, value = api.key_header().partition(": ")
    url = api.url(model, stream=stream).replace("http://", "https://")
    data = f"(json-parse-string {quoted(json.dumps(api.body(model, '한국어 🙂', stream=stream)))})"
    return emacs(f"(ask {quoted(url)} '(({quoted(name)} . {quoted(value)})) {data})")


def test_calls_and_failures(emacs: Emacs, sluice: Any, sandbox: Any) -> None:
    """Three providers, whole and streamed: the answer comes, with the caller's key. A failure has the daemon's words,
    and is the one that is explained. Off, nothing goes to the daemon."""
    provider = sandbox()
    daemon = sluice(config(provider.url))
    emacs(SETUP % quoted(str(daemon.state_dir)))
    for api in CHATS:
        for stream in (False, True):
            text = ask(emacs, api, "gpt-4o-mini", stream=stream)
            assert "한국어 🙂" in text or stream, text
            assert KEYS[api.provider] in str(provider.seen[-1].headers)
            assert provider.seen[-1].status == 200
    assert len(provider.seen) == 2 * len(CHATS)
    assert "emacs-llm" in daemon.run("calls", "--json").stdout
    failed = ask(emacs, CHATS[0], "insufficient-quota", stream=True)["error"]
    assert "Waiting will not help" in failed
    emacs("(progn (require 'sluice-explain) (sluice-explain-last) nil)")
    assert "What happened" in emacs('(wire-text "*Sluice explain*")')
    seen = len(provider.seen)
    emacs('(progn (sluice-llm-mode -1) (setenv "https_proxy" "http://127.0.0.1:9"))')
    assert "curl error" in ask(emacs, CHATS[0], "gpt-4o-mini", stream=False)["error"]
    assert len(provider.seen) == seen


def test_a_rate_limit_is_waited_out(emacs: Emacs, sluice: Any, sandbox: Any) -> None:
    """The provider refuses the first sending; llm sees nothing but the answer."""
    provider = sandbox(minute_s=1.0)
    emacs(SETUP % quoted(str(sluice(config(provider.url, minute_s=1.0)).state_dir)))
    assert "한국어 🙂" in ask(emacs, CHATS[0], "rate-limit-once", stream=False)
    assert [seen.status for seen in provider.seen] == [429, 200]
