"""All that one command has measured, as JSON and back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.toll.rounds import Results


@dataclass(slots=True)
class Found:
    """The figures; what was not measured is empty."""

    results: Results = field(default_factory=Results)
    starts: dict[str, list[float]] = field(default_factory=dict)
    """Seconds, in each round."""
    commands: dict[str, list[float]] = field(default_factory=dict)
    """Seconds, in each round."""
    growth: dict[str, dict[str, list[float]]] = field(default_factory=dict)
    """Milliseconds: series, level, rounds."""
    wake_ups: dict[str, float] = field(default_factory=dict)
    """In a minute."""
    long_calls: int = 0
    about: dict[str, Any] = field(default_factory=dict)

    def save(self, path: Path) -> None:
        """Write it."""
        path.write_text(json.dumps(asdict(self), indent=1) + "\n")


def read(path: Path) -> Found:
    """What `save` wrote; parts that are not there are empty."""
    kept: Mapping[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    return Found(**{**kept, "results": Results(**kept.get("results", {}))})
