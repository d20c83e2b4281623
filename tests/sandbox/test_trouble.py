"""Troubles."""

from __future__ import annotations

from itertools import product
from typing import get_args

import pytest

from daemon.sandbox import anthropic, gemini, openai
from daemon.sandbox.dialect import Dialect, Moment
from daemon.sandbox.question import Question
from daemon.sandbox.trouble import Dimension, Kind, Trouble, Window, figure


@pytest.mark.parametrize("dialect", [openai, anthropic, gemini], ids=["openai", "anthropic", "gemini"])
@pytest.mark.parametrize("kind", get_args(Kind))
def test_each_api_can_say_each_trouble(dialect: Dialect, kind: Kind):
    """No kind, dimension or window is missing in any API's words, and nothing is left unfilled."""
    for dimension, window in product(get_args(Dimension), get_args(Window)):
        trouble = Trouble(kind, dimension, window, 10, 10, 1, 2.0)
        refused = dialect.refuse(trouble, Question("openai", "chat", "m"), Moment(1e9), "req_1")
        assert refused.status >= 400
        assert b"error" in refused.body
        assert not any(word in refused.body for word in (b"None", b"{limit}", b"{model}", b"{org}"))


def test_figures_are_whole_numbers():
    """As providers print them."""
    assert figure(39_999.6) == 40_000
