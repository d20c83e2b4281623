"""One thing that `daemon check` has looked at, and the form of such a look."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from daemon.config import Paths


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at."""

    state: Literal["ok", "note", "bad"]
    what: str
    mend: str = ""


Look = Callable[[Paths, Mapping[str, str]], Iterator[Check]]
