"""What to do after a refusal, by the kind of the finding. A table, no state."""

from __future__ import annotations

from typing import Literal

from daemon.model import Finding

Course = Literal["give_up", "rate", "bare", "concurrency", "overload", "day"]
"""give_up: must not be sent again. bare: a 429 that says nothing. day: a limit of the calendar. The others as they
read."""

LONG_WINDOWS = frozenset({"day", "week", "month"})
OVERLOAD_STATUS = frozenset({408, 500, 502, 503, 504, 529})


def course(finding: Finding) -> Course:
    """Return what to do after FINDING. `Finding.retry` decides whether it may be sent again at all."""
    if finding.retry in ("never", "change") or finding.is_unread:
        return "give_up"
    if finding.subtype in ("concurrency",):
        return "concurrency"
    if finding.family in ("capacity", "server", "network") or finding.subtype == "acceleration":
        return "overload"
    if finding.family == "rate" or finding.subtype == "gateway_limit":
        return _rate(finding)
    if finding.family == "unknown":
        return _unknown(finding)
    return "day" if finding.retry == "wait" else "give_up"


def _rate(finding: Finding) -> Course:
    if finding.window in LONG_WINDOWS:
        return "day"
    told = finding.retry_after_s is not None or finding.limit is not None
    return "rate" if told or finding.dimension is not None else "bare"


def _unknown(finding: Finding) -> Course:
    if finding.status == 429:
        return "rate" if finding.retry_after_s is not None else "bare"
    return "overload" if finding.status in OVERLOAD_STATUS else "give_up"
