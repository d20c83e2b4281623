"""Kinds of failure as a person types them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from cli.test_offline import journal  # noqa: F401 - a fixture


@pytest.mark.parametrize("command", [("calls",), ("calls", "--json"), ("calls", "--follow"), ("export",)])
def test_a_kind_that_there_is_not(
    journal: tuple[str, str],  # noqa: F811
    run: Callable[..., Any],
    command: tuple[str, ...],
) -> None:
    """A slip is told with the kind that was meant; it does not look as if nothing had failed in that way."""
    done = run(*command, "--subtype", "insuficient_quota")
    assert (done.code, done.out) == (1, "")
    assert "did you mean insufficient_quota?" in done.err
    assert "explain --list" in run(*command, "--subtype", "zzz").err


def test_a_kind_of_which_no_call_failed(journal: tuple[str, str], run: Callable[..., Any]) -> None:  # noqa: F811
    """That there is none is no mistake."""
    assert run("calls", "--subtype", "overloaded").code == 0
    assert run("calls", "--subtype", "insufficient_quota").out
