"""Answers and token counts."""

from __future__ import annotations

import json

from daemon.sandbox.question import read
from daemon.sandbox.text import answer, estimate, tokens


def said(model: str, text: str, output_tokens: int | None = None, **more: object):
    """The answer to a chat with TEXT."""
    body = {"model": model, "messages": [{"role": "user", "content": text}], **more}
    return answer(read("POST", "/v1/chat/completions", {}, json.dumps(body).encode()), output_tokens)


def test_the_answer_echoes_words_in_any_script():
    """Pieces join to exactly what was said, white space too."""
    text = "안녕  세계\n🎉 \U0001f468‍\U0001f469 ok"
    assert said("gpt", text).text == f"You said: {text}"
    assert said("echo", text).text == text
    assert len(said("gpt", text).pieces) > 3


def test_long_answers_have_as_many_pieces_as_asked():
    """`long-200` has 200."""
    assert len(said("long-200", "x").pieces) == 200


def test_max_tokens_cuts():
    """Never more than max_tokens; 0 gives nothing."""
    cut = said("long-200", "x", max_tokens=10)
    assert (len(cut.pieces), cut.output, cut.cut) == (10, 10, True)
    assert said("gpt", "x", max_tokens=0).pieces == ()


def test_an_answer_can_have_a_given_size():
    """For benchmarks: exactly so many tokens."""
    assert said("gpt", "x", output_tokens=50).output == 50


def test_tokens_and_the_estimate_at_the_door_differ():
    """Providers estimate from characters; Korean costs more than that."""
    assert (tokens("abcdefgh"), estimate("abcdefgh")) == (2, 2)
    assert (tokens("안녕하세요세계"), estimate("안녕하세요세계")) == (7, 2)
    assert tokens("") == 0
