"""What an answer states that cannot be meant, told in the log: its reader wonders why a call waits, or does not."""

from __future__ import annotations

import logging
from typing import Final, Literal

from daemon.explain.durations import DAY_S, MAX_STATED_WAIT_S, oddity
from daemon.model import Headers
from daemon.phrases import phrase

SHOWN: Final = 40
"""Letters of what was stated."""

_log = logging.getLogger("sluice.gateway")


def tell_odd_wait(host: str, headers: Headers, now: float) -> None:
    """Log what HEADERS, which came NOW (Unix time) from HOST, say of a wait, if that cannot be meant."""
    date = next((value for name, value in headers if name.lower() == "date"), None)
    for name, value in headers:
        if name.lower() in ("retry-after", "retry-after-ms"):
            _tell(oddity(name.lower(), value, date, now), host, name, value[:SHOWN])


def _tell(odd: Literal["long", "past", "none"] | None, host: str, name: str, stated: str) -> None:
    match odd:
        case "long":
            days = MAX_STATED_WAIT_S / DAY_S
            _log.warning(phrase("log.wait_long", host=host, name=name, stated=stated, days=days))
        case "past":
            _log.info(phrase("log.wait_past", host=host, name=name, stated=stated))
        case "none":
            _log.info(phrase("log.wait_none", host=host, name=name, stated=stated))
