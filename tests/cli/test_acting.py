"""Commands by which the daemon does something."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.mark.parametrize(
    ("words", "answer", "asked", "said"),
    [
        (("cancel", "c1"), {"call": "c1"}, {"call": "c1"}, "Call c1 is cancelled.\n"),
        (("promote", "c1"), {"call": "c1", "priority": "interactive"}, {"call": "c1", "priority": "interactive"},
         "Call c1 now waits with interactive priority; see when it goes with `daemon status`.\n"),
        (("promote", "c1", "--priority", "batch", "--json"), {"call": "c1"}, {"call": "c1", "priority": "batch"},
         '{"call": "c1"}\n'),
        (("reload",), {"reloaded": "read it"}, {}, "read it\n"),
    ],
)  # fmt: skip
def test_what_changes_something(
    words: Any, answer: Any, asked: Any, said: str, run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The daemon is asked for what the command is called, and what came of it is told."""
    seen: list[Any] = []
    monkeypatch.setattr("daemon.cli.client.ask", lambda where, *given, **more: seen.append(given) or answer)
    assert run(*words) == (0, said, "")
    assert seen == [(words[0], {**asked, "language": "en"})]


def test_what_changes_something_needs_a_daemon(run: Any) -> None:
    """Without one it is said how to start it; nothing is read from the journal in its place."""
    for words in (("cancel", "c1"), ("promote", "c1"), ("reload",)):
        done = run(*words)
        assert (done.code, "start it with `daemon`" in done.err) == (1, True)
    assert run("promote", "c1", "--priority", "high").code == 2
