"""What the headers of an answer say about the windows of a subscription: Claude Pro and Max, ChatGPT with Codex.

Sources: seen on answers to Claude Code (`anthropic-ratelimit-unified-5h-utilization` is a fraction, `-reset` Unix
seconds) and to Codex (`x-codex-primary-used-percent`, `-window-minutes`, `-reset-at`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from daemon.model import Headers
from daemon.providers.times import number
from daemon.spending import PlanWindow

_NAMED: Final = re.compile(r"anthropic-ratelimit-unified-(5h|7d)-utilization")
_WINDOWS: Final = {"5h": "5 h", "7d": "week"}
_MINUTES: Final = {300.0: "5 h", 10080.0: "week", 1440.0: "day"}
_CODEX: Final = ("primary", "secondary")


def read_plans(headers: Headers) -> tuple[PlanWindow, ...]:
    """All windows of a subscription that HEADERS state."""
    for name, _ in headers:
        if _tells_plans(name):
            break
    else:  # as nearly always
        return ()
    fields = {name.lower(): value for name, value in headers}
    return (*_anthropic(fields), *_codex(fields))


@lru_cache(maxsize=512)  # the same few names come with every answer
def _tells_plans(name: str) -> bool:
    lower = name.lower()
    return "-unified-" in lower or lower.startswith("x-codex-")


def _anthropic(fields: Mapping[str, str]) -> list[PlanWindow]:
    found = []
    for name, value in fields.items():
        match, part = _NAMED.fullmatch(name), number(value)
        if match is not None and part is not None:
            reset = number(fields.get(f"anthropic-ratelimit-unified-{match[1]}-reset", ""))
            found.append(PlanWindow(_WINDOWS[match[1]], part, reset))
    return found


def _codex(fields: Mapping[str, str]) -> list[PlanWindow]:
    found = []
    for which in _CODEX:
        percent = number(fields.get(f"x-codex-{which}-used-percent", ""))
        minutes = number(fields.get(f"x-codex-{which}-window-minutes", ""))
        if percent is not None and minutes:
            window = _MINUTES.get(minutes, f"{minutes:g} min")
            found.append(PlanWindow(window, percent / 100.0, number(fields.get(f"x-codex-{which}-reset-at", ""))))
    return found
