"""`daemon forget` with a real daemon: what was said to a model is in no file any more."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from stage.visitors import Rpc, RpcError
from stage.world import CHATS, config

pytestmark = pytest.mark.e2e

SECRETS = ("my-first-secret", "my-second-secret")


def said(daemon: Any, text: str) -> str:
    """Say TEXT to a model that fails; return the call's id."""
    command = ["curl", "-q", "-sS", "--unix-socket", str(daemon.socket), "-H", f"X-Title: {text}-header"]
    command += ["-H", "X-Sluice-Priority: interactive", *CHATS[0].curl("insufficient-quota", text=text)]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    return str(json.loads(daemon.run("calls", "last", "--json").stdout)["id"])


def where(folder: Path, text: str) -> list[str]:
    """The files in FOLDER that hold TEXT."""
    return [path.name for path in folder.rglob("*") if path.is_file() and text.encode() in path.read_bytes()]


@pytest.mark.parametrize("running", [True, False])
def test_forget(sluice: Any, sandbox: Any, running: bool) -> None:
    """One call, then all: by the running daemon and without one. The text of the other call stays until its turn."""
    daemon = sluice(config(sandbox().url, more="journal: {bodies: all}\nlog: {file: none}"), log_level="info")
    first, second = (said(daemon, text) for text in SECRETS)
    if not running:
        daemon.stop()
    assert where(daemon.state_dir, SECRETS[0])
    refused = daemon.run("forget", first, stdin=subprocess.DEVNULL)
    assert (refused.returncode, "--yes" in refused.stderr) == (1, True)
    done = daemon.run("forget", first, "--yes")
    assert (done.returncode, done.stdout) == (0, "1 call is gone for good.\n"), done.stderr
    assert not where(daemon.state_dir, SECRETS[0])
    assert not where(daemon.state_dir, first)
    assert where(daemon.state_dir, SECRETS[1])
    assert daemon.run("calls", second).returncode == 0
    assert daemon.run("forget", "--all", "--bodies", "--yes").returncode == 0
    assert where(daemon.state_dir, second)
    assert where(daemon.state_dir, SECRETS[1]) == ["journal.db"]  # the header field, which is no body
    assert daemon.run("forget", "--before", "0s", "--yes").returncode == 0
    assert not where(daemon.state_dir, SECRETS[1])
    assert not where(daemon.state_dir, second)
    if running:
        with Rpc(daemon.socket) as rpc, pytest.raises(RpcError, match="no call"):
            rpc.call("show", call=second)
