"""The lines of the log for which several parts are asked."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from daemon.app.lines import State, curl_line, how_it_is
from daemon.config import load
from daemon.gateway.intake import Intake
from daemon.model import Call, Estimate, Origin
from daemon.redact import Redactor
from gateway.scripted import KEY, incoming

ORIGIN = Origin("api.openai.com", "https://api.openai.com", "openai")


class Shelf:
    """A journal that keeps bodies, or none."""

    def __init__(self, keeping: bool) -> None:
        self.keeping = keeping

    def keeps(self, call: Call, failed: bool) -> bool:
        """Those of failures."""
        return self.keeping and failed

    def body_file(self, name: str) -> Path:
        """Where one would be."""
        return Path("/state") / f"{name}.json"


def call(**more: Any) -> Call:
    """A call to OpenAI."""
    made = Intake(
        lambda host: ORIGIN, lambda origin, ask: Estimate(1, 9, 3), Redactor(b"test"), "en", "inline", lambda: 100.0
    )
    return replace(made.receive(incoming(**more)), id="c1234")


def line(of: Call, *, keeping: bool = True, bodies: bool = False) -> str:
    """The curl line of a call that failed."""
    plain = load(Path("/there/is/none.yaml"), environ={})
    config = replace(plain, log=replace(plain.log, bodies=bodies))
    return curl_line(of, True, Shelf(keeping), config, lambda url: None)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("body", "keeping", "bodies", "there", "absent"),
    [
        (b'{"model":"m"}', True, False, "/state/c1234.json", '{"model":"m"}'),
        (b'{"model":"m"}', True, True, '{"model":"m"}', "/state/c1234.json"),
        (b'{"model":\n"m"}', True, True, "/state/c1234.json", '"m"}'),
        (b'{"model":"m"}', False, True, '{"model":"m"}', "/state/c1234.json"),
    ],
)
def test_where_the_body_is(body: bytes, keeping: bool, bodies: bool, there: str, absent: str) -> None:
    """In the journal's file; with `log.bodies` in the line, if it is one line itself. The key stands nowhere."""
    said = line(call(body=body), keeping=keeping, bodies=bodies)
    assert there in said
    assert absent not in said
    command = [row for row in said.splitlines() if not row.startswith("#")]
    assert len(command) == 1, "one line beside the notes"
    assert "$OPENAI_API_KEY" in said
    assert KEY not in said


def test_a_body_that_nobody_keeps() -> None:
    """No file is named that is not there."""
    assert "/state" not in line(call(body=b'{"model":"m"}'), keeping=False)


@pytest.mark.parametrize(("why", "lines"), [(None, 1), ("the disk is full", 2)])
def test_what_is_wrong_with_the_journal_has_a_line(why: str | None, lines: int) -> None:
    """How many run and wait is said in one; why the journal does not write is said in another."""
    said = how_it_is(State(0.0, 3, 2, 5), {"state": "ok" if why is None else "failing", "rows": 7, "why": why})
    assert len(said) == lines
    assert "calls here: 3, waiting: 2; connections: 5" in said[0]
    assert why is None or why in said[1]
