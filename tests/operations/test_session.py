"""A visitor who gets one answer and nothing else."""

from __future__ import annotations

import pytest

from daemon.operations.session import NoSession, Unanswered


async def test_no_session_ignores_everything() -> None:
    """An HTTP request gets one answer, no notifications, and cannot be asked."""
    session = NoSession()
    session.notify("a", {})
    session.delta(1, "c", "x")
    session.on_close(lambda: pytest.fail("never"))
    assert not session.answers
    with pytest.raises(Unanswered) as none:
        await session.ask("key/needed", {}, 1.0)
    assert none.value.gone
