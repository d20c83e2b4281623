"""A failed call as text for a provider's support, with a real journal."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from daemon.errors import DeadlineExceeded, InvalidCall, NotFound
from daemon.model import Limit
from daemon.operations import reporting
from gateway.scripted import KEY, limited, no_credit, ok
from operations.office import Make


async def test_a_failed_call(office: Make) -> None:
    """It has the endpoint, the model, the exact error and the command; the key is nowhere."""
    here = office(ok(), no_credit())
    await here.world.send()
    bad, _ = await here.world.send(ref="r1")
    told = await here.run("report", call="last-failed")
    assert (told["call"], told["ref"]) == (bad.call.id, "r1")
    text = told["text"]
    assert text.startswith("# OpenAI: No credit left (HTTP 429)")
    assert "POST https://api.openai.com/v1/chat/completions" in text
    assert "calls to this host in the minute before: 1" in text
    assert "insufficient_quota" in text
    assert "curl" in text
    assert "$OPENAI_API_KEY" in text
    assert KEY not in text


async def test_in_another_language(office: Make) -> None:
    """English by default, since support reads it; another language when asked for."""
    here = office(no_credit())
    await here.world.send()
    assert "크레딧이 없어요" in (await here.run("report", call="last", language="ko"))["text"]


async def test_a_call_that_went_well(office: Make) -> None:
    """There is nothing to report about a success, and no such call is no call."""
    here = office(ok())
    await here.world.send()
    with pytest.raises(InvalidCall, match="has not failed"):
        await here.run("report", call="last")
    with pytest.raises(NotFound):
        await here.run("report", call="cxxxxxxxx")
    with pytest.raises(InvalidCall, match="call is missing"):
        await here.run("report")


async def test_a_call_that_sluice_itself_has_refused(office: Make) -> None:
    """A deadline of one's own, a key that was refused a moment ago: the provider has said nothing of this call, so no
    text blames it."""
    here = office(no_credit())
    await here.world.send()
    await here.world.send()
    assert len(here.world.upstream.sent) == 1
    with pytest.raises(InvalidCall, match="report that one"):
        await here.run("report", call="last")
    here = office(ok(), origin=limited(Limit("requests", 1, 60.0, "minute")))
    await here.world.send()
    with pytest.raises(DeadlineExceeded):
        await here.world.send(deadline_s=1.0)
    with pytest.raises(InvalidCall, match=r"ended by Sluice itself.* nothing to report .*deadline"):
        await here.run("report", call="last")


@pytest.mark.parametrize(
    ("sent", "count"),
    [([99.0, 41.0, 40.4], 2), ([39.0, 101.0, None], 0), ([], 0)],
)
def test_calls_of_the_minute_before(sent: list[float | None], count: int) -> None:
    """Counted are other calls that went out in the 60 s before the last attempt, not later ones."""
    row: dict[str, Any] = {"id": "a", "tries": [{"sent_at": 90.0}, {"sent_at": 100.5}]}
    others = [{"id": "a", "sent_at": 100.5}, *[{"id": f"b{n}", "sent_at": at} for n, at in enumerate(sent)]]
    assert reporting.sent_before(row, others) == count
    assert reporting.sent_before({"id": "a", "tries": []}, others) is None


def test_neighbours_are_looked_for_in_the_right_time() -> None:
    """The journal is asked for calls since an hour before the minute, for some wait long before they go."""
    wanted = reporting.neighbours({"host": "h", "started_at": 1000.0}, now=1100.0)
    assert wanted == {"host": "h", "since_s": 100.0 + 60.0 + 3600.0, "limit": 10_000}


async def test_the_prompt_is_not_in_it(office: Make) -> None:
    """What was asked stands in the file that the command names, and nowhere in the report, which says so."""
    here = office(no_credit())
    await here.world.send(body=b'{"model":"gpt-9","messages":[{"role":"user","content":"my secret plan"}]}')
    text = (await here.run("report", call="last"))["text"]
    assert "secret plan" not in text
    file = re.search(r"--data-binary '?@([^ '\n]+)", text)
    assert file is not None
    assert b"secret plan" in Path(file[1]).read_bytes()  # noqa: ASYNC240 - a test
