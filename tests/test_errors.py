"""The refusals."""

from __future__ import annotations

import inspect
import re

from daemon import errors
from daemon.errors import QueueFull, Refusal
from daemon.phrases import phrase

REFUSALS = [kind for kind in vars(errors).values() if inspect.isclass(kind) and issubclass(kind, Refusal)]


def test_each_has_a_code_of_its_own() -> None:
    """Programs tell them apart by their codes."""
    codes = [kind.code for kind in REFUSALS]
    assert len(set(codes)) == len(codes)
    assert all(re.fullmatch(r"[a-z_]+", code) for code in codes)


def test_each_says_what_it_means() -> None:
    """A docstring for each."""
    assert all(kind.__doc__ for kind in REFUSALS)


def test_message_and_facts() -> None:
    """Words for people, facts for programs."""
    refusal = QueueFull("200 calls already wait; cancel some", retry_after_s=3)
    assert (refusal.message, str(refusal), refusal.facts) == (
        "200 calls already wait; cancel some", "200 calls already wait; cancel some", {"retry_after_s": 3},
    )  # fmt: skip


def test_told_in_a_language() -> None:
    """A phrase is told in the reader's language, English to the log; what others said stays as it is."""
    refusal = QueueFull(phrase("refused.queue_full", most=2, host="h", group="g"))
    assert str(refusal).startswith("2 calls already wait for h g; raise queue.max_waiting")
    assert refusal.told("ko").startswith("h g 쪽에는 벌써 요청 2건이 기다리고")
    assert refusal.told("fr") == str(refusal)
    assert QueueFull("as it came").told("ko") == "as it came"
