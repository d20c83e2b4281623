"""What the daemon asks a visitor."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from daemon.doors.questions import Questions
from daemon.operations import Unanswered


async def asked(*messages: Any, timeout_s: float = 5.0) -> Any:
    """Ask one question, take MESSAGES, and return the answer."""
    written: list[Any] = []
    questions = Questions(written.append)
    answer = asyncio.create_task(questions.ask("key/needed", {"host": "h"}, timeout_s))
    await asyncio.sleep(0)
    assert written == [{"jsonrpc": "2.0", "id": "ask-1", "method": "key/needed", "params": {"host": "h"}}]
    for message in messages:
        questions.take(message)
    return await answer


async def test_an_answer() -> None:
    """The first answer to the question counts; what answers another id is dropped."""
    others = [{"id": "ask-2", "result": 1}, {"id": 1, "result": 2}, {"result": 3}, {"id": ["x"], "result": 4}]
    assert await asked(*others, {"id": "ask-1", "result": {"key": "x"}}, {"id": "ask-1", "result": 5}) == {"key": "x"}


@pytest.mark.parametrize(
    ("error", "words"), [({"code": 1, "message": "none here"}, "none here"), ({"message": 5}, None), ("odd", None)]
)
async def test_an_error(error: Any, words: str | None) -> None:
    """The visitor's words are kept, if they are words."""
    with pytest.raises(Unanswered) as none:
        await asked({"id": "ask-1", "error": error})
    assert none.value.words == words
    assert not none.value.gone


async def test_no_answer_in_time() -> None:
    """A question has an end."""
    with pytest.raises(Unanswered) as none:
        await asked(timeout_s=0.0)
    assert not none.value.gone


async def test_a_visitor_who_leaves() -> None:
    """Open questions end at once, and later ones are not asked."""
    written: list[Any] = []
    questions = Questions(written.append)
    answer = asyncio.create_task(questions.ask("key/needed", {}, 5.0))
    await asyncio.sleep(0)
    questions.close()
    for one in (answer, asyncio.create_task(questions.ask("key/needed", {}, 5.0))):
        with pytest.raises(Unanswered) as none:
            await one
        assert none.value.gone
    assert len(written) == 1
