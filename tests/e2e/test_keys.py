"""The daemon asks for a key that it lacks: a plain client, and Emacs with its auth-source. No key is written anywhere:
the whole run's files and answers are searched for them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from stage.editor import INSTALL, Emacs, command_of, quoted
from stage.visitors import Rpc, RpcError
from stage.world import HOSTS, config

pytestmark = pytest.mark.e2e

COMMANDS = Path(__file__).parent / "gptel" / "commands.el"
KEY = "CANARY-only-when-asked-7d1e5b9c6053"
CHAT: dict[str, Any] = {
    "host": HOSTS["openai"],
    "model": "gpt-4o-mini",
    "messages": [{"role": "user", "content": "Hello"}],
    "stream": False,
}


def hello(rpc: Rpc) -> None:
    """Greet as a client that answers questions for keys."""
    rpc.call("hello", client="test", protocol=1, answers=["key/needed"])


def question(rpc: Rpc) -> Any:
    """The daemon's next request."""
    while True:
        message = rpc.read()
        if "method" in message and "id" in message:
            return message


def reply(rpc: Rpc, asked: Any, **answer: Any) -> None:
    """Answer the daemon's request."""
    rpc.send(json.dumps({"jsonrpc": "2.0", "id": asked["id"], **answer}).encode() + b"\n")


def test_asked_once_held_and_forgotten(sluice: Any, sandbox: Any) -> None:
    """Three calls at once ask one question; its answer is used for all, and later, until it is told to forget."""
    provider = sandbox()
    daemon = sluice(config(provider.url))
    with Rpc(daemon.socket) as rpc, Rpc(daemon.socket) as other:
        hello(rpc)
        calls = [rpc.start("chat", **CHAT) for _ in range(3)]
        asked = question(rpc)
        assert (asked["method"], asked["params"]["host"]) == ("key/needed", HOSTS["openai"])
        assert provider.seen == []
        reply(rpc, asked, result={"key": KEY})
        assert [rpc.result(call)["text"] for call in calls] == ["You said: Hello"] * 3
        assert other.call("chat", **CHAT)["text"] == "You said: Hello"
        assert all(("Authorization", f"Bearer {KEY}") in list(seen.fields()) for seen in provider.seen)
        assert rpc.call("forget_keys") == {"forgotten": 1}
        call = rpc.start("chat", **CHAT)
        reply(rpc, question(rpc), error={"code": 1, "message": "There is none here."})
        with pytest.raises(RpcError, match="There is none here") as refused:
            rpc.result(call)
        assert refused.value.code == -32012
    assert len(provider.seen) == 4
    files = [file.read_bytes() for file in daemon.state_dir.rglob("*") if file.is_file()]
    assert files
    assert not [data for data in files if KEY.encode() in data]
    for words in (("calls", "last", "--json"), ("curl", "last"), ("status", "--json")):
        assert KEY not in daemon.run(*words).stdout
    assert KEY not in daemon.stderr


def test_a_restart_forgets(sluice: Any, sandbox: Any) -> None:
    """What was told is gone with the daemon."""
    daemon = sluice(config(sandbox().url))
    for _ in range(2):
        with Rpc(daemon.socket) as rpc:
            hello(rpc)
            call = rpc.start("chat", **CHAT)
            reply(rpc, question(rpc), result={"key": KEY})
            assert rpc.result(call)["text"] == "You said: Hello"
        daemon.stop()
        daemon.restart()


def test_a_cancelled_call_and_a_client_that_leaves(sluice: Any, sandbox: Any) -> None:
    """Neither leaves the daemon waiting: the next client is asked by itself."""
    daemon = sluice(config(sandbox().url))
    with Rpc(daemon.socket) as rpc:
        hello(rpc)
        call = rpc.start("chat", **CHAT)
        question(rpc)
        rpc.notify("$/cancelRequest", id=call)
        with pytest.raises(RpcError):
            rpc.result(call)
    with Rpc(daemon.socket) as rpc:
        hello(rpc)
        call = rpc.start("chat", **CHAT)
        reply(rpc, question(rpc), result={"key": KEY})
        assert rpc.result(call)["text"] == "You said: Hello"


@pytest.mark.parametrize("major", [28, 30])
def test_emacs_answers(sluice: Any, sandbox: Any, canary: Any, tmp_path: Path, major: int) -> None:
    """Emacs answers from ~/.authinfo; without an entry it says which one is missing; a new entry is found at once."""
    command = command_of(major)
    if command is None:
        pytest.skip(f"Emacs {major} is missing; {INSTALL}")
    provider = sandbox()
    daemon = sluice(config(provider.url))
    (tmp_path / ".authinfo").write_text(f"machine {HOSTS['openai']} login apikey password {KEY}\n")
    emacs = Emacs(command, tmp_path, canary)
    try:
        emacs(f"(load {quoted(str(COMMANDS))} nil t)")
        emacs(f"(commands-begin {quoted(str(daemon.state_dir))})")
        emacs("(setq sluice-key nil)")
        assert emacs('(commands-send "*a*" "gpt-4o-mini" "Hello")')["text"].endswith("You said: Hello")
        assert KEY in str(provider.seen[-1].headers)
        emacs(f"(setq sluice-host {quoted(HOSTS['anthropic'])})")
        said = emacs('(commands-send "*b*" "gpt-4o-mini" "Hello")')["said"][-1]
        assert f"no entry for machine {HOSTS['anthropic']} login apikey" in said
        assert "~/.authinfo" in said
        assert len(provider.seen) == 1
        with (tmp_path / ".authinfo").open("a") as file:
            file.write(f"machine {HOSTS['anthropic']} login apikey password {KEY}\n")
        assert emacs('(commands-send "*c*" "gpt-4o-mini" "Hello")')["text"].endswith("You said: Hello")
        assert emacs("(progn (wire-said) (sluice-forget-keys) (car (last (wire-said))))").endswith(
            "forgotten the 2 keys that it held"
        )
    finally:
        emacs.close()
