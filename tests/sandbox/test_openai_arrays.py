"""Several inputs in one request: a row for each, and what is too much is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from daemon.sandbox.openai_arrays import choices, embeddings, too_much, vector_of
from daemon.sandbox.question import Question, read
from daemon.sandbox.text import answer


def ask(path: str, **body: Any) -> Question:
    """A request, read."""
    return read("POST", path, {}, json.dumps({"model": "m", **body}).encode())


def test_a_row_for_each_input() -> None:
    """Texts and token numbers; the same input has the same vector wherever it stands."""
    asked = ask("/v1/embeddings", input=["a", "b", "a"])
    rows = embeddings(asked, answer(asked))["data"]
    assert [row["index"] for row in rows] == [0, 1, 2]
    assert rows[0]["embedding"] == rows[2]["embedding"] == vector_of("a") != rows[1]["embedding"]
    tokens = ask("/v1/embeddings", input=[[1, 2, 3], [4]])
    assert embeddings(tokens, answer(tokens))["usage"]["prompt_tokens"] == 5, "and the line between them"
    assert ask("/v1/embeddings", input=[1, 2, 3]).inputs == tokens.inputs[:1]
    assert len({tuple(vector_of(f"text {i}")) for i in range(1000)}) == 1000


def test_a_choice_for_each_prompt() -> None:
    """In order, n of each; usage is that of all."""
    asked = ask("/v1/completions", prompt=["one", "two"], n=2)
    said = [one.text for one in choices(asked, None)]
    assert said == ["You said: one"] * 2 + ["You said: two"] * 2
    assert answer(asked).output == sum(answer(ask("/v1/completions", prompt=p)).output for p in ("one", "two"))


@pytest.mark.parametrize(
    ("inputs", "word"),
    [([], "array"), (["a"] * 2049, "2048"), (["a", ""], "invalid"), (["a", "x" * 40_000], "8192"),
     (["x" * 30_000] * 50, "300000")],
)  # fmt: skip
def test_what_is_too_much(inputs: list[str], word: str) -> None:
    """More inputs, longer ones, or more together than the documentation allows; and an empty one."""
    assert word in (too_much(ask("/v1/embeddings", input=inputs)) or "")


def test_what_is_not_too_much() -> None:
    """The most that is allowed, and other requests."""
    assert too_much(ask("/v1/embeddings", input=["a"] * 2048)) is None
    assert too_much(ask("/v1/completions", prompt="")) is None
