"""Troubles."""

from __future__ import annotations

from typing import get_args

import pytest

from daemon.sandbox import anthropic, gemini, openai
from daemon.sandbox.dialect import Dialect, Moment
from daemon.sandbox.question import Question
from daemon.sandbox.trouble import Kind, Trouble, figure


@pytest.mark.parametrize("dialect", [openai, anthropic, gemini], ids=["openai", "anthropic", "gemini"])
@pytest.mark.parametrize("kind", get_args(Kind))
@pytest.mark.parametrize("dimension", ["requests", "tokens", "input_tokens", "output_tokens", "images"])
@pytest.mark.parametrize("window", ["second", "minute", "hour", "day"])
def test_each_api_can_say_each_trouble(dialect: Dialect, kind: Kind, dimension: str, window: str):
    """No kind, dimension or window is missing in any API's words, and nothing is left unfilled."""
    trouble = Trouble(kind, dimension, window, 10, 10, 1, 2.0)  # type: ignore[arg-type]
    refused = dialect.refuse(trouble, Question("openai", "chat", "m"), Moment(1e9), "req_1")
    assert refused.status >= 400
    assert b"error" in refused.body
    assert b"None" not in refused.body
    assert not any(word in refused.body for word in (b"{limit}", b"{model}", b"{org}"))


def test_figures_are_whole_numbers():
    """As providers print them."""
    assert figure(39_999.6) == 40_000
