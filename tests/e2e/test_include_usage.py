"""The setting `include_usage`: the daemon learns what a stream cost; the client's stream stays as it asked for it."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest

from stage.world import CHATS

pytestmark = pytest.mark.e2e


@pytest.mark.parametrize("on", [True, False])
def test_include_usage(sluice: Any, sandbox: Any, on: bool) -> None:
    """With it the provider is asked and the extra chunk is taken out; without it not a byte is changed."""
    provider = sandbox()
    entry = f"{{host: api.openai.com, url: '{provider.url}', provider: openai, include_usage: {str(on).lower()}}}"
    daemon = sluice(f"upstreams: [{entry}]\n")
    command = ["curl", "-q", "-sS", "-N", "--unix-socket", str(daemon.socket)]
    arguments = CHATS[0].curl("gpt-4o-mini", stream=True)
    out = subprocess.run([*command, *arguments], capture_output=True, check=True, timeout=60).stdout
    asked = json.loads(provider.seen[-1].body)
    assert ("stream_options" in asked) is on
    events = [json.loads(line[6:]) for line in out.split(b"\n") if line.startswith(b"data: {")]
    assert all(event["choices"] for event in events)
    assert out.endswith(b"data: [DONE]\n\n")
    row = json.loads(daemon.run("calls", "last", "--json").stdout)
    assert row["usage"]["reported"] is on
