"""What is settled at the door."""

from __future__ import annotations

import json

import pytest

from daemon.sandbox.door import account, cost_of, same
from daemon.sandbox.question import read
from daemon.sandbox.record import Seen
from daemon.sandbox.settings import SandboxSettings


@pytest.mark.parametrize(
    ("headers", "target", "key"),
    [
        ({"authorization": "Bearer CANARY-1"}, "/", "Bearer CANARY-1"),
        ({"x-api-key": "CANARY-2"}, "/", "CANARY-2"),
        ({"x-goog-api-key": "CANARY-3"}, "/", "CANARY-3"),
        ({}, "/x?alt=sse&key=CANARY-4", "CANARY-4"),
        ({}, "/", "-"),
    ],
)
def test_the_key_is_found_wherever_it_is(headers: dict[str, str], target: str, key: str):
    """Limits are counted for each key."""
    assert account(SandboxSettings(), headers, target, "m") == key


def test_accounts_can_be_one_or_per_model():
    """per_key false: all share one; per_model: each model apart."""
    assert account(SandboxSettings(per_key=False), {"x-api-key": "CANARY-1"}, "/", "m") == "all"
    assert account(SandboxSettings(per_model=True), {"x-api-key": "CANARY-1"}, "/", "m") == "CANARY-1 m"


def test_what_each_api_reserves():
    """OpenAI reserves max_tokens for each choice, Anthropic no output, Gemini counts input alone."""
    text = "x" * 400
    turn = [{"role": "user", "content": text}]
    chat = {"model": "m", "messages": turn, "max_tokens": 50, "n": 2}
    cost = cost_of(read("POST", "/v1/chat/completions", {}, json.dumps(chat).encode()))
    assert cost.of("tokens") == 200
    cost = cost_of(read("POST", "/v1/messages", {}, json.dumps(chat).encode()))
    assert (cost.of("tokens"), cost.output) == (100, None)
    gemini = {"contents": [{"parts": [{"text": text}]}], "generationConfig": {"maxOutputTokens": 50}}
    cost = cost_of(read("POST", "/v1beta/models/m:generateContent", {}, json.dumps(gemini).encode()))
    assert (cost.of("tokens"), cost.input_only) == (100, True)
    images = {"model": "m", "prompt": text, "n": 3}
    assert cost_of(read("POST", "/v1/images/generations", {}, json.dumps(images).encode())).of("images") == 3


def test_another_attempt_is_the_same_account_target_and_body():
    """Headers that a client counts up do not matter."""
    first = Seen("POST", "/v1/x", ((b"x-retry", b"0"),), 0.0, b"body", account="a")
    again = Seen("POST", "/v1/x", ((b"x-retry", b"1"),), 9.0, b"body", account="a")
    other = Seen("POST", "/v1/x", (), 9.0, b"body", account="b")
    assert same(first) == same(again) != same(other)
