"""`daemon replay` with a real daemon and the sandbox as the provider."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import Any

import pytest

from stage.world import CHATS, KEYS, config

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(shutil.which("curl") is None, reason="curl is missing; install it: apt install curl"),
]


@pytest.mark.parametrize("way", ["--direct", "--via-daemon"])
@pytest.mark.parametrize(("model", "word"), [("insufficient-quota-once", "passing"), ("insufficient-quota", "same")])
def test_was_it_a_passing_fault(sluice: Any, sandbox: Any, way: str, model: str, word: str) -> None:
    """Both ways the provider gets the same bytes again, and the verdict is right; no key and no prompt is shown."""
    provider = sandbox()
    daemon = sluice(config(provider.url), env={"HEADER_X_ODD": "it's $HOME"})  # a value that is not kept
    command = ["curl", "-q", "-sS", "--unix-socket", str(daemon.socket), "-H", "X-Odd: it's $HOME"]
    subprocess.run([*command, *CHATS[0].curl(model, text="My prompt")], check=True, capture_output=True, timeout=60)
    mine = provider.seen[-1]
    daemon.env["OPENAI_API_KEY"] = KEYS["openai"]
    refused = daemon.run("replay", "last-failed", way, stdin=subprocess.DEVNULL)
    assert (refused.returncode, "--yes" in refused.stderr) == (1, True)
    assert provider.seen[-1] is mine
    done = daemon.run("replay", "last-failed", way, "--yes", "--json")
    assert done.returncode == (0 if word == "passing" else 1), done.stderr
    assert json.loads(done.stdout)["verdict"] == word
    theirs = provider.seen[-1]
    assert theirs is not mine
    assert (theirs.method, theirs.target, theirs.body) == (mine.method, mine.target, mine.body)
    assert theirs.headers == mine.headers
    for text in (done.stdout, done.stderr, refused.stderr):
        assert KEYS["openai"] not in text
        assert "My prompt" not in text
