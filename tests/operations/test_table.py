"""The one table."""

from __future__ import annotations

import json

import pytest

from daemon import __version__
from daemon.errors import UnknownOperation
from daemon.model import Event
from daemon.operations import OPERATIONS
from gateway.scripted import ok
from operations.office import Make


def test_each_row_says_what_it_is() -> None:
    """A summary on one line, parameters with their meaning, and a docstring."""
    for name, operation in OPERATIONS.items():
        assert operation.name == name
        assert operation.summary
        assert "\n" not in operation.summary
        assert operation.run.__doc__
        assert all(operation.params.values())


async def test_hello(office: Make) -> None:
    """Who we are, what we can, and a warning for a client that is newer than we are."""
    here = office(ok())
    answer = await here.run("hello", client="emacs", protocol=1)
    assert (answer["daemon"], answer["version"], answer["protocol"]) == ("sluice", __version__, 1)
    assert answer["features"] == sorted(OPERATIONS)
    assert answer["socket"] == "/run/s"
    assert "warning" not in answer
    assert answer["language"] == "en"
    assert (await here.run("hello", language="ko_KR.UTF-8"))["language"] == "ko"
    assert "git pull" in (await here.run("hello", protocol=2))["warning"]
    json.dumps(answer)


async def test_an_operation_sees_what_has_just_happened(office: Make) -> None:
    """What was put off is done before anybody is told how things are, however long that could have waited."""
    handed: list[Event] = []
    here = office(ok(), spare_s=60.0, readers=(handed.extend,))
    await here.world.send()
    assert handed == []
    await here.run("limits")
    assert handed[-1].kind == "done"


async def test_an_unknown_operation(office: Make) -> None:
    """It is said which there are."""
    with pytest.raises(UnknownOperation, match="chat") as refusal:
        await office(ok()).run("chatt" + "x" * 10_000)
    assert len(refusal.value.message) < 500
