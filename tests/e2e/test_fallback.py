"""The real daemon between real clients and several sandboxes: calls that another host or another key answers."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from stage.visitors import Rpc
from stage.world import CHATS, KEYS

pytestmark = pytest.mark.e2e

README = (Path(__file__).resolve().parents[2] / "README.md").read_text(encoding="utf-8")
CHAT = CHATS[0]
THERE = "CANARY-deepseek-4f1d9c2e8b7a6053"
OWN = {"OPENAI_API_KEY_WORK": "CANARY-work-4f1d9c2e8b7a6053", "OPENAI_API_KEY": "CANARY-home-4f1d9c2e8b7a6053"}


def example(word: str) -> str:
    """The example of README.md that has this setting."""
    found = [block.split("```")[0] for block in README.split("```yaml\n")[1:]]
    (text,) = [block for block in found if f"{word}:" in block]
    return text


def curl(daemon: Any, *arguments: str) -> tuple[int, dict[str, str], bytes]:
    """One call by curl: status, header fields, body."""
    command = ["curl", "-q", "-sS", "-i", "-N", "--max-time", "60", "--unix-socket", str(daemon.socket), *arguments]
    out = subprocess.run(command, capture_output=True, check=True, timeout=90, env=daemon.env).stdout
    head, _, body = out.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    return int(lines[0].split(" ")[1]), dict(line.split(": ", 1) for line in lines[1:]), body


def last(daemon: Any) -> dict[str, Any]:
    """The newest row of the journal."""
    row = json.loads(daemon.run("calls", "--json", "--limit", "1").stdout)
    assert isinstance(row, dict)
    return row


def fallback(*urls: str) -> str:
    """The fallback of README.md, with its three hosts at these URLs."""
    hosts = [("api.openai.com", "openai"), ("api.deepseek.com", "deepseek"), ("localhost:11434", "ollama")]
    upstreams = [{"host": host, "url": url, "provider": name} for (host, name), url in zip(hosts, urls, strict=True)]
    return example("fallback") + yaml.safe_dump({"upstreams": upstreams, "language": "en"})


@pytest.mark.parametrize("stream", [False, True])
def test_the_example_of_the_readme(sluice: Any, sandbox: Any, stream: bool) -> None:
    """gpt-4o-mini has no credit left: deepseek-chat answers, with its own key and nothing of the first one; when that
    has none either, the local server, with no key at all. The header, the row, its timeline, the ledger, the status and
    the subscriber's word say who it was."""
    openai, deepseek, local = sandbox(quota_after=1), sandbox(quota_after=1), sandbox()
    daemon = sluice(fallback(openai.url, deepseek.url, local.url), env={"DEEPSEEK_API_KEY": THERE})
    ask = CHAT.curl("gpt-4o-mini", stream=stream)
    status, fields, first = curl(daemon, *ask)
    assert (status, fields["X-Sluice-Answered-By"]) == (200, "api.openai.com gpt-4o-mini")
    status, fields, second = curl(daemon, *ask)
    assert (status, fields["X-Sluice-Answered-By"]) == (200, "api.deepseek.com deepseek-chat")
    assert b"You said: Hello" in second or (stream and b"data: [DONE]" in second and first.count(b"data:") > 2)
    (seen,) = deepseek.seen
    assert (seen.target, seen.model) == ("/chat/completions", "deepseek-chat")
    assert seen.body == openai.seen[0].body.replace(b"gpt-4o-mini", b"deepseek-chat")
    assert KEYS["openai"] not in str(seen.headers)
    assert THERE in str(seen.headers)
    row = last(daemon)
    assert (row["host"], row["model"], row["state"], row["attempts"]) == (
        "api.deepseek.com",
        "deepseek-chat",
        "done",
        2,
    )
    story = daemon.run("calls", row["id"]).stdout
    assert "api.openai.com gpt-4o-mini: insufficient quota. It goes to api.deepseek.com deepseek-chat instead" in story
    assert curl(daemon, *ask)[1]["X-Sluice-Answered-By"] == "localhost:11434 llama3.1"
    assert "CANARY" not in str(local.seen[0].headers)
    used = json.loads(daemon.run("usage", "--by", "host", "--json").stdout)["rows"]
    assert {one["host"]: one["calls"] for one in used} == {
        "api.openai.com": 1, "api.deepseek.com": 1, "localhost:11434": 1,
    }  # fmt: skip
    assert "Calls that another host or model answered: 2." in daemon.run("status").stdout
    status, fields, _ = curl(daemon, "-H", "X-Sluice-Fallback: off", *ask)
    assert (status, "X-Sluice-Answered-By" in fields) == (429, False)


def test_nobody_can(sluice: Any, sandbox: Any) -> None:
    """The first failure comes back, with what else was tried and what was passed over for want of a key."""
    openai, local = sandbox(quota_after=0), sandbox(quota_after=0)
    daemon = sluice(fallback(openai.url, local.url, local.url))
    status, fields, body = curl(daemon, *CHAT.curl("gpt-4o-mini"))
    told = json.loads(body)["error"]
    assert (status, told["type"]) == (429, "insufficient_quota")
    assert fields["X-Sluice-Also-Tried"] == "localhost:11434 llama3.1"
    assert "DEEPSEEK_API_KEY is not set: api.deepseek.com deepseek-chat" in told["sluice"]["evidence"]
    row = last(daemon)
    assert (row["host"], row["model"], row["state"]) == ("api.openai.com", "gpt-4o-mini", "failed")
    assert "also tried: localhost:11434 llama3.1" in daemon.run("explain", row["id"]).stdout
    assert [seen.model for seen in local.seen] == ["llama3.1"]


def test_a_conversation_goes_to_another_api(sluice: Any, sandbox: Any) -> None:
    """What an editor hands over as a conversation is written anew: Anthropic answers in OpenAI's place, as a stream of
    the same notifications, and the states tell of the way there."""
    openai, anthropic = sandbox(quota_after=0), sandbox()
    settings = {
        "fallback": [{"on": ["quota"], "to": [{"host": "api.anthropic.com", "model": "claude-x"}]}],
        "upstreams": [
            {"host": "api.openai.com", "url": openai.url, "provider": "openai"},
            {"host": "api.anthropic.com", "url": anthropic.url, "provider": "anthropic"},
        ],
    }
    daemon = sluice(yaml.safe_dump(settings), env={"ANTHROPIC_API_KEY": KEYS["anthropic"]})
    messages = [{"role": "user", "content": "Hello"}]
    with Rpc(daemon.socket) as visitor:
        asked = {"host": "api.openai.com", "model": "gpt-4o", "messages": messages, "key": KEYS["openai"]}
        found = visitor.call("chat", **asked)
        deltas = [note["params"]["text"] for note in visitor.notifications if note["method"] == "delta"]
        states = [note["params"]["state"] for note in visitor.notifications if note["method"] == "state"]
    assert (found["text"], found["host"], found["model"]) == ("You said: Hello", "api.anthropic.com", "claude-x")
    assert "".join(deltas) == "You said: Hello"
    assert "rerouted" in states
    (seen,) = anthropic.seen
    assert seen.target == "/v1/messages"
    assert KEYS["openai"] not in str(seen.headers)


def test_the_keys_of_the_readme(sluice: Any, sandbox: Any) -> None:
    """Two keys: without credit the first one is set aside by its name, the second one answers; a client's own key is
    sent as it came. Status, timeline and log name the key, and nothing shows it."""
    provider = sandbox(quota_after=10_000, requests_per_minute=2)
    settings = yaml.safe_load(example("keys"))
    for upstream in settings["upstreams"]:
        upstream["url"] = provider.url
    daemon = sluice(yaml.safe_dump({**settings, "language": "en"}), env=OWN)
    body = json.dumps(CHAT.body("gpt-4o-mini"))
    ask = ["-H", "Authorization: Bearer sluice", "-H", "Content-Type: application/json", "-d", body]
    for _ in range(3):
        assert curl(daemon, *ask, CHAT.url("gpt-4o-mini"))[0] == 200
    with Rpc(daemon.socket) as visitor:  # a conversation without a key is such a call, too
        messages = [{"role": "user", "content": "Hello"}]
        assert visitor.call("chat", host="api.openai.com", model="gpt-4o-mini", messages=messages)["text"]
    keys = [dict(seen.headers)[b"Authorization"].decode() for seen in provider.seen]
    assert sorted(keys) == sorted([f"Bearer {key}" for key in OWN.values()] * 2)
    bad = [*ask[:-1], json.dumps(CHAT.body("insufficient-quota"))]
    assert curl(daemon, *bad, CHAT.url("insufficient-quota"))[0] == 429
    story = daemon.run("calls", last(daemon)["id"]).stdout
    assert "goes on with" in story
    told = json.loads(daemon.run("status", "--json").stdout)["fallback"]["keys"]
    assert [(key["name"], key["state"]) for key in told] == [("work", "blocked"), ("home", "blocked")]
    assert "CANARY" not in str(told)
    assert "api.openai.com by way of work: " in daemon.run("status").stdout
    status, _, _ = curl(daemon, *CHAT.curl("gpt-4o-mini"))
    assert status == 200
    assert KEYS["openai"] in str(provider.seen[-1].headers)


def test_a_mistake_is_told_at_the_start(sluice: Any, sandbox: Any) -> None:
    """A kind of failure that there is not, or a host that nobody knows: the daemon says so and does not start."""
    for entry, said in (
        ({"on": ["quotas"], "to": {"model": "a"}}, "Did you mean 'quota'"),
        ({"on": ["quota"], "to": {"host": "nowhere.example.com", "model": "a"}}, "nowhere.example.com is not known"),
    ):
        daemon = sluice(yaml.safe_dump({"fallback": [entry], "language": "en"}), begin=False)
        done = daemon.run("serve")
        assert done.returncode != 0
        assert said in done.stderr
