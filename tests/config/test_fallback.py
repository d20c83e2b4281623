"""Where calls go when they cannot be answered, in config.yaml."""

from __future__ import annotations

import pytest

from daemon.config.fallback import read_fallback
from daemon.config.nodes import Node, Wrong, read_nodes
from daemon.fallback import Fallback, Place


def node(text: str) -> Node:
    """TEXT as the file's reader sees it."""
    found = read_nodes(text)
    assert found is not None
    return found


def test_an_entry_with_everything() -> None:
    """Patterns, kinds of failure, a wait, and places in their order."""
    text = (
        '[{from: {host: api.openai.com, model: "gpt-4o*"}, on: [quota, capacity], wait: 60s,'
        ' to: [{host: api.deepseek.com, model: deepseek-chat}, {host: "localhost:11434", model: llama3.1}]}]'
    )
    (rule,) = read_fallback(node(text))
    places = (Place("deepseek-chat", "api.deepseek.com"), Place("llama3.1", "localhost:11434"))
    assert rule == Fallback(
        places, ("api.openai.com",), ("gpt-4o*",), ("quota", "capacity"), 60.0, ("1", "1"), ("1", "1")
    )


def test_what_may_be_left_out() -> None:
    """Without `from` all calls are meant, without `host` the same one; one place needs no list; nothing is no entry."""
    (rule,) = read_fallback(node("[{wait: 5s, to: {model: small}}]"))
    assert rule == Fallback((Place("small"),), wait_s=5.0, to_at=("1",))
    assert read_fallback(node("[]")) == read_fallback(node("~")) == ()


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("{on: quota}", "fallback is a list"),
        ("[5]", "is expected here"),
        ("[{on: quota}]", "where to"),
        ("[{on: quota, to: []}]", "where to"),
        ("[{to: {model: a}}]", "when?"),
        ("[{on: quota, to: {host: a.example.com}}]", "which model"),
        ("[{on: quota, two: {model: a}}]", "unknown word 'two'"),
        ("[{from: {hosts: a}, on: quota, to: {model: a}}]", "Did you mean 'host'"),
        ("[{on: quota, wait: 60, to: {model: a}}]", "60"),
    ],
)
def test_mistakes_are_told(text: str, what: str) -> None:
    """What is wrong, and an example of how it is written."""
    with pytest.raises(Wrong) as wrong:
        read_fallback(node(text))
    assert what in str(wrong.value.what)
