"""What `daemon curl ID` prints arrives, in four shells, byte for byte as the daemon's own request did."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from typing import Any

import pytest

from stage.visitors import Rpc
from stage.world import CHATS, KEYS, Api, config

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(shutil.which("curl") is None, reason="curl is missing; install it: apt install curl"),
]
SHELLS = ("sh", "bash", "zsh", "fish")
VARIABLES = {"openai": "OPENAI_API_KEY", "anthropic": "ANTHROPIC_API_KEY", "gemini": "GEMINI_API_KEY"}

HOSTILE = 'it\'s "quoted" $(id) `id` \\ back\\\\slash %s @/etc/passwd\nsecond line\t한국어 🙂 !x'


WITHHELD = {
    "HEADER_X_CUSTOM": 'CANARY-\'b "c" $HOME %s',
    "HEADER_X_DUP": "CANARY-dup-1",
    "HEADER_X_DUP_2": "CANARY-dup-2",
}
"""By their variables, values of fields that nobody knows: who repeats the call fills them in, as the key."""


def send(daemon: Any, api: Api, text: str) -> None:
    """One call that fails for good, as a client with odd headers sends it. As an interactive one it is not held back
    by the failure before it."""
    custom, first, second = WITHHELD.values()
    odd = [
        'X-Title: a\'b "c" $HOME',
        f"X-Custom: {custom}",
        f"X-Dup: {first}",
        f"x-dup: {second}",
        "User-Agent: it's me/1.0",
        "X-Sluice-Priority: interactive",
    ]
    command = ["curl", "-q", "-sS", "--unix-socket", str(daemon.socket)]
    command += [part for field in odd for part in ("-H", field)]
    subprocess.run([*command, *api.curl("insufficient-quota", text=text)], check=True, capture_output=True, timeout=60)


def replay(daemon: Any, shell: str, command: str, folder: Any, key: tuple[str, str]) -> str:
    """Run COMMAND as a script of SHELL; returns what curl printed."""
    script = folder / f"replay.{shell}"
    script.write_text(command + "\n", encoding="utf-8")
    environment = {**daemon.env, key[0]: key[1], "http_proxy": "http://127.0.0.1:9", **WITHHELD}
    done = subprocess.run([shell, str(script)], capture_output=True, timeout=60, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    return done.stdout.decode()


@pytest.mark.parametrize("shell", SHELLS)
def test_replay(sluice: Any, sandbox: Any, tmp_path: Any, shell: str) -> None:
    """Method, target, header order with case and duplicates, and body are the same as in the daemon's own request."""
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is missing; install it: apt install {shell}")
    provider = sandbox()
    daemon = sluice(config(provider.url))
    for api in CHATS:
        for text in ("Hello", HOSTILE, "x" * 20_000):
            send(daemon, api, text)
            mine = provider.seen[-1]
            with Rpc(daemon.socket) as rpc:
                command = rpc.call("curl", call="last")["command"]
            assert KEYS[api.provider] not in command
            assert "CANARY" not in command
            answer = replay(daemon, shell, command, tmp_path, (VARIABLES[api.provider], KEYS[api.provider]))
            theirs = provider.seen[-1]
            assert theirs is not mine
            assert (theirs.method, theirs.target, theirs.body) == (mine.method, mine.target, mine.body)
            assert theirs.headers == mine.headers
            assert theirs.status == mine.status
            assert "error" in json.loads(answer)


@pytest.mark.parametrize(("form", "program"), [("python", "python3"), ("elisp", "emacs")])
def test_other_forms(sluice: Any, sandbox: Any, tmp_path: Any, form: str, program: str) -> None:
    """The script and the Emacs form send what the daemon sent, too: method, target, each header field, body."""
    if shutil.which(program) is None:
        pytest.skip(f"{program} is missing; install it: apt install {program}")
    provider = sandbox()
    daemon = sluice(config(provider.url))
    for api in CHATS:
        for text in ("Hello", HOSTILE, "x" * 20_000):
            send(daemon, api, text)
            mine = provider.seen[-1]
            file = tmp_path / "again"
            file.write_text(daemon.run("curl", "last", "--format", form).stdout, encoding="utf-8")
            assert KEYS[api.provider] not in file.read_text()
            wait = "(while (process-list) (accept-process-output nil 0.1))"
            command = [program, str(file)] if form == "python" else [program, "-Q", "--batch", "-l", str(file)]
            command += [] if form == "python" else ["--eval", wait]
            environment = {**daemon.env, VARIABLES[api.provider]: KEYS[api.provider], **WITHHELD}
            done = subprocess.run(command, capture_output=True, timeout=60, check=False, env=environment)
            assert done.returncode == 0, done.stderr
            theirs = provider.seen[-1]
            assert theirs is not mine
            assert (theirs.method, theirs.target, theirs.body) == (mine.method, mine.target, mine.body)
            assert theirs.headers == mine.headers


def test_through_the_daemon(sluice: Any, sandbox: Any, tmp_path: Any) -> None:
    """`--via-daemon` sends the same call through the socket."""
    provider = sandbox()
    daemon = sluice(config(provider.url))
    send(daemon, CHATS[0], "Hello")
    mine = provider.seen[-1]
    command = daemon.run("curl", "last-failed", "--via-daemon").stdout
    assert str(daemon.socket) in command
    daemon.restart()
    replay(daemon, "sh", command, tmp_path, ("OPENAI_API_KEY", KEYS["openai"]))
    theirs = provider.seen[-1]
    assert theirs is not mine
    assert (theirs.method, theirs.target, theirs.body) == (mine.method, mine.target, mine.body)


def test_the_log_has_the_command(sluice: Any, sandbox: Any) -> None:
    """At debug level a failed call is logged with its curl command, without the key; at info with one line."""
    provider = sandbox()
    daemon = sluice(config(provider.url))
    send(daemon, CHATS[0], "Hello")
    daemon.stop()
    assert "the same call from a terminal" in daemon.stderr
    assert re.search(r"printf '.*Authorization: Bearer %s\\n' .*\"\$OPENAI_API_KEY\" \| curl -q", daemon.stderr)
    assert KEYS["openai"] not in daemon.stderr
    assert daemon.stderr.count(" info ") >= 1


@pytest.mark.parametrize("bodies", [False, True])
def test_the_command_in_the_log(sluice: Any, sandbox: Any, tmp_path: Any, bodies: bool) -> None:
    """Copied from one line of the log it repeats the call, and its text stands there only if `log.bodies` says so;
    else it names the private file of the journal. As JSON each line names its call."""
    provider = sandbox()
    settings = f"log: {{format: json, bodies: {str(bodies).lower()}}}"
    daemon = sluice(config(provider.url, more=settings), log_level="debug")
    send(daemon, CHATS[0], "My own words")
    mine = provider.seen[-1]
    daemon.stop()
    rows = [json.loads(line) for line in daemon.stderr.splitlines()]
    name = next(row["call"] for row in rows if "queued" in row["text"])
    ours = [row["text"] for row in rows if row.get("call") == name]
    assert all(text.startswith(name) for text in ours)
    command = next(text for text in ours if "curl -q" in text).removeprefix(name)
    assert ("My own words" in daemon.stderr) is bodies
    assert (f"bodies/{name}.request" in command) is not bodies
    replay(daemon, "sh", command, tmp_path, ("OPENAI_API_KEY", KEYS["openai"]))
    theirs = provider.seen[-1]
    assert theirs is not mine
    assert (theirs.method, theirs.target, theirs.body) == (mine.method, mine.target, mine.body)
    assert theirs.headers == mine.headers


def test_without_a_daemon(sluice: Any, sandbox: Any) -> None:
    """The journal alone answers `calls`, `curl` and `explain` when no daemon runs."""
    provider = sandbox()
    daemon = sluice(config(provider.url))
    send(daemon, CHATS[0], "Hello")
    with_daemon = {name: daemon.run(name, "last-failed").stdout for name in ("curl", "explain", "calls")}
    daemon.stop()
    for name, text in with_daemon.items():
        offline = daemon.run(name, "last-failed")
        assert offline.returncode == 0, offline.stderr
        assert offline.stdout == text
