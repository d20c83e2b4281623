"""Small calls as one and back again: each gets what it would have got alone, and no token is counted twice."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.providers.batching import NotApart, apart, merged, read_part, shared

EMBED = "/v1/embeddings"


def part(value: Any, target: str = EMBED, **more: Any) -> Any:
    """The part of a call with this input."""
    name = "prompt" if target.endswith("completions") else "input"
    return read_part("POST", target, json.dumps({"model": "m", name: value, **more}).encode())


def rows(*vectors: str, order: list[int] | None = None, usage: str | None = None, indent: str = "") -> bytes:
    """An embeddings answer whose vectors are these texts."""
    listed = [f'{{"object":"embedding","index":{i},"embedding":{v}}}' for i, v in enumerate(vectors)]
    listed = [listed[i] for i in order or range(len(listed))]
    told = f',"usage":{usage}' if usage else ""
    return f'{{"object":"list",{indent}"data":[{",".join(listed)}],"model":"m"{told}}}'.encode()


@pytest.mark.parametrize(
    ("value", "form", "items"),
    [
        ("a", "text", ("a",)),
        (["a", "b"], "text", ("a", "b")),
        ([1, 2], "tokens", ([1, 2],)),
        ([[1], [2, 3]], "tokens", ([1], [2, 3])),
    ],
)
def test_what_an_input_may_be(value: Any, form: str, items: tuple[Any, ...]) -> None:
    """A text, texts, tokens, lists of tokens: https://platform.openai.com/docs/api-reference/embeddings/create."""
    found = part(value)
    assert (found.form, found.items) == (form, items)


@pytest.mark.parametrize("value", [[], None, 5, [""] * 2 + [1], [[1], "a"], [[]], {"a": 1}, [True], [1.5]])
def test_what_is_not_put_beside_others(value: Any) -> None:
    """What the provider would have to refuse, or what nobody understands, goes alone."""
    assert part(value) is None


def test_which_calls_go_alone() -> None:
    """Chats, streams, several answers to one prompt, other APIs' embeddings, and what is no JSON object."""
    assert part("a", "/v1/completions") is not None
    assert part("a", "/v1/completions", n=1, best_of=1) is not None
    for more in ({"n": 2}, {"best_of": 3}, {"stream": True}, {"n": "x"}):
        assert part("a", "/v1/completions", **more) is None
    assert part("a", "/v1/chat/completions") is None
    assert part("a", "/api/embed") is None
    assert read_part("GET", EMBED, b"{}") is None
    for body in (b"", b"[]", b"{", b'"input"', b'{"model":"m"}'):
        assert read_part("POST", EMBED, body) is None


def test_who_can_go_together() -> None:
    """Equal in all but the input, however the fields are ordered; texts and tokens never in one array."""
    one = read_part("POST", EMBED, b'{"model":"m","input":"a","user":"u"}')
    same = read_part("POST", EMBED, b'{ "user" : "u", "input" : ["b", "c"], "model" : "m" }')
    assert one is not None
    assert same is not None
    assert one.others == same.others
    assert json.loads(merged([one, same])) == {"model": "m", "user": "u", "input": ["a", "b", "c"]}
    assert part("a").others != part([1]).others != part("a", dimensions=4).others
    assert part("a").others != part("a", "/v1/completions").others


def test_rows_come_back_byte_for_byte() -> None:
    """Out of order, in odd notation, as floats or base64: each gets its own, numbered from 0, in the answer's form."""
    parts = [part("a"), part(["b", "c"]), part("d")]
    vectors = ("[0.10, 1e-05]", "[ -0.0,2.50 ]", '"AAAA/+=="', "[1]")
    body = rows(*vectors, order=[3, 1, 0, 2], usage='{"prompt_tokens": 8, "total_tokens": 8}', indent="\n  ")
    answers = apart(body, parts, [1, 2, 1])
    assert answers[0].body == rows(vectors[0], usage='{"prompt_tokens": 2, "total_tokens": 2}', indent="\n  ")
    assert answers[1].body == rows(*vectors[1:3], usage='{"prompt_tokens": 4, "total_tokens": 4}', indent="\n  ")
    assert answers[2].body == rows(vectors[3], usage='{"prompt_tokens": 2, "total_tokens": 2}', indent="\n  ")
    assert [answer.usage.input for answer in answers if answer.usage] == [2, 4, 2]


def test_completions_share_what_they_wrote() -> None:
    """Prompt tokens by the prompts' sizes, written tokens by the texts' lengths, totals as the sum of both."""
    choices = [{"text": "x" * n, "index": i, "finish_reason": "stop"} for i, n in enumerate((400, 20))]
    usage = {
        "prompt_tokens": 30, "completion_tokens": 101, "total_tokens": 131,
        "completion_tokens_details": {"reasoning_tokens": 0},
    }  # fmt: skip
    body = json.dumps({"id": "c", "object": "text_completion", "choices": choices, "usage": usage}, indent=2).encode()
    one, two = (
        json.loads(answer.body)
        for answer in apart(body, [part("p", "/v1/completions"), part("q", "/v1/completions")], [20, 10])
    )
    assert (one["choices"], two["choices"]) == ([choices[0]], [{**choices[1], "index": 0}])
    assert (one["usage"]["prompt_tokens"], two["usage"]["prompt_tokens"]) == (20, 10)
    assert one["usage"]["completion_tokens"] > 80
    for name in ("prompt_tokens", "completion_tokens", "total_tokens"):
        assert one["usage"][name] + two["usage"][name] == usage[name]
    assert all(u["total_tokens"] == u["prompt_tokens"] + u["completion_tokens"] for u in (one["usage"], two["usage"]))


def test_an_answer_without_usage_stays_without() -> None:
    """Nothing is invented."""
    answers = apart(rows("[1]", "[2]"), [part("a"), part("b")], [1, 1])
    assert answers[1].body == rows("[2]")
    assert answers[1].usage is None


@pytest.mark.parametrize(
    "body",
    [
        b"", b"[]", b"not json", rows("[1]"), rows("[1]", "[2]", "[3]"), b'{"data":[{"index":0},{"index":0}]}',
        b'{"data":[{"index":0},{}]}', b'{"data":{"index":0}}', b'{"error":"x"}', b"\xff\xfe", b'{"data":[1,2]}',
    ],
)  # fmt: skip
def test_what_cannot_be_taken_apart(body: bytes) -> None:
    """Too few rows, too many, twice the same, no rows at all: nobody gets somebody else's."""
    with pytest.raises(NotApart):
        apart(body, [part("a"), part("b")], [1, 1])


@given(st.integers(0, 10**9), st.lists(st.floats(0, 1e6), min_size=1, max_size=50))
def test_shares_add_up(amount: int, sizes: list[float]) -> None:
    """No token is lost or counted twice, and nobody's share is off by more than one."""
    parts = shared(amount, sizes)
    assert sum(parts) == amount
    total = sum(sizes)
    if total:
        assert all(abs(p - amount * s / total) <= 1 + 1e-6 * amount for p, s in zip(parts, sizes, strict=True))
