"""JSON-RPC from plain Python against the real daemon: chat streamed, cancel, explain, calls, curl, the page."""

from __future__ import annotations

import json
import re
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from stage.visitors import Rpc, RpcError
from stage.world import HOSTS, KEYS, config

pytestmark = pytest.mark.e2e
PAGE = Path(__file__).resolve().parents[2] / "doc" / "protocol.md"


def ask(provider: str, model: str = "gpt-4o-mini", text: str = "Hello", **more: Any) -> dict[str, Any]:
    """The params of a chat."""
    messages = [{"role": "user", "content": text}]
    return {"host": HOSTS[provider], "model": model, "messages": messages, "key": KEYS[provider], **more}


@pytest.mark.parametrize("provider", HOSTS)
def test_chat(sluice: Any, sandbox: Any, provider: str) -> None:
    """One conversation, any provider: deltas in order that make up the result's text, states, usage."""
    daemon = sluice(config(sandbox().url))
    with Rpc(daemon.socket) as rpc:
        result = rpc.call("chat", **ask(provider, text="한국어 🙂"))
        deltas = [note["params"] for note in rpc.notifications if note["method"] == "delta"]
        states = [note["params"]["state"] for note in rpc.notifications if note["method"] == "state"]
    assert "한국어 🙂" in result["text"]
    assert "".join(delta["text"] for delta in deltas) == result["text"]
    assert [delta["seq"] for delta in deltas] == list(range(1, len(deltas) + 1))
    assert states[0] == "queued"
    assert "first_byte" in states
    assert result["usage"] is None or result["usage"]["output"] > 0


def test_chat_not_streamed(sluice: Any, sandbox: Any) -> None:
    """`stream: false` gives the text and no deltas."""
    daemon = sluice(config(sandbox().url))
    with Rpc(daemon.socket) as rpc:
        result = rpc.call("chat", **ask("openai", stream=False))
        assert not [note for note in rpc.notifications if note["method"] == "delta"]
    assert result["text"] == "You said: Hello"
    assert result["usage"]["output"] > 0


def test_a_failed_chat_explains_itself(sluice: Any, sandbox: Any) -> None:
    """The error's message is the one line, its data the whole explanation; explain and curl go on from there."""
    daemon = sluice(config(sandbox().url))
    with Rpc(daemon.socket) as rpc:
        with pytest.raises(RpcError) as caught:
            rpc.call("chat", **ask("openai", model="insufficient-quota"))
        assert caught.value.code == -32001
        assert "Waiting will not help" in str(caught.value)
        call = caught.value.data["call"]
        assert caught.value.data["explanation"]["subtype"] == "insufficient_quota"
        explained = rpc.call("explain", call=call)
        assert explained["explanation"]["line"] == str(caught.value)
        assert "What you can do" in explained["text"]
        assert rpc.call("curl", call=call)["command"] in explained["text"]
        rows = rpc.call("calls", failed=True)["calls"]
        assert [row["id"] for row in rows] == [call]


def test_cancel_mid_stream(sluice: Any, sandbox: Any) -> None:
    """`$/cancelRequest` ends the chat at once, and the provider's connection is closed."""
    provider = sandbox(chunk_s=0.05)
    daemon = sluice(config(provider.url))
    with Rpc(daemon.socket) as rpc:
        request = rpc.start("chat", **ask("openai", model="long-200"))
        rpc.wait_for("delta")
        rpc.notify("$/cancelRequest", id=request)
        with pytest.raises(RpcError) as caught:
            rpc.result(request)
        assert caught.value.code == -32800
        assert wait(lambda: provider.seen[-1].closed_by_client)


def test_cancel_in_the_queue(sluice: Any, sandbox: Any) -> None:
    """A call that waits is told its place and what it waits for; `cancel` takes it out; nothing was sent."""
    provider = sandbox(tokens_per_minute=None)
    daemon = sluice(config(provider.url, limits="[{requests: 1, per: minute}]"))
    with Rpc(daemon.socket) as rpc:
        rpc.call("chat", **ask("openai"))
        request = rpc.start("chat", **ask("openai", text="second", ref="mine-1"))
        assert wait(lambda: rpc.call("queue")["queue"])
        row = rpc.call("queue")["queue"][0]
        assert row["place"] == 1
        assert "requests" in row["waits_for"]
        assert row["eta_at"] > time.time()
        assert rpc.call("cancel", call="mine-1")["cancelled"]
        with pytest.raises(RpcError) as caught:
            rpc.result(request)
        assert caught.value.code == -32800
    assert len(provider.seen) == 1


def test_leaving_cancels(sluice: Any, sandbox: Any) -> None:
    """When a connection ends, what only it wanted is cancelled."""
    provider = sandbox(chunk_s=0.05)
    daemon = sluice(config(provider.url))
    with Rpc(daemon.socket) as rpc:
        rpc.start("chat", **ask("openai", model="long-200"))
        rpc.wait_for("delta")
    assert wait(lambda: provider.seen[-1].closed_by_client)


def test_subscribers_hear_of_errors(sluice: Any, sandbox: Any) -> None:
    """Another connection that subscribed gets the explanation of a call that failed."""
    daemon = sluice(config(sandbox().url))
    with Rpc(daemon.socket) as listener, Rpc(daemon.socket) as rpc:
        assert listener.call("subscribe", topics=["errors"]) == {"subscribed": ["errors"]}
        with pytest.raises(RpcError):
            rpc.call("chat", **ask("openai", model="insufficient-quota"))
        heard = listener.wait_for("error")
    assert heard["explanation"]["subtype"] == "insufficient_quota"


def test_a_raw_call(sluice: Any, sandbox: Any) -> None:
    """`call` sends any request and gives its whole answer."""
    daemon = sluice(config(sandbox().url))
    with Rpc(daemon.socket) as rpc:
        headers = {"Authorization": f"Bearer {KEYS['openai']}"}
        answer = rpc.call("call", url="https://api.openai.com/v1/models", headers=headers)
    assert answer["status"] == 200
    assert json.loads(answer["body"])["object"] == "list"


def test_the_page_tells_the_truth(sluice: Any, sandbox: Any) -> None:
    """Each JSON example of doc/protocol.md is sent as it stands, and each is answered without an error."""
    provider = sandbox()
    daemon = sluice(config(provider.url))
    examples = [
        line
        for block in re.findall(r"```json\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
        for line in block.splitlines()
    ]
    assert len(examples) >= 5
    with Rpc(daemon.socket) as rpc:
        for example in examples:
            message = json.loads(example)
            rpc.send(example.encode() + b"\n")
            if "id" in message:
                assert rpc.result(message["id"]) is not None


def test_content_length_framing(sluice: Any) -> None:
    """A visitor who frames his messages like a language server's client is answered in frames."""
    daemon = sluice()
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "hello", "params": None}).encode()
    with Rpc(daemon.socket) as rpc:
        for byte in b"Content-Length: %d\r\n\r\n" % len(body) + body:
            rpc.send(bytes([byte]))
        head = rpc._reader.readline()
        assert head.startswith(b"Content-Length: ")
        rpc._reader.readline()
        answer = json.loads(rpc._reader.read(int(head.split(b":")[1])))
    assert answer["result"]["protocol"] == 1


def wait(true: Any, timeout_s: float = 15.0) -> bool:
    """Ask again and again until TRUE or the time is up."""
    ends = time.monotonic() + timeout_s
    while not true() and time.monotonic() < ends:
        threading.Event().wait(0.05)
    return bool(true())
