"""A desk for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from operations.office import Office


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Callable[..., Office]]:
    """`office(*outcomes)` makes a desk; its journal is closed at the end."""
    made: list[Office] = []

    def make(*outcomes: Any, **more: Any) -> Office:
        made.append(Office(tmp_path / f"state{len(made)}", *outcomes, **more))
        made[-1].journal.start()
        return made[-1]

    yield make
    for one in made:
        await one.world.pacer.close()
        one.hub.close()
        one.journal.close()
