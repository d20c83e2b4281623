"""Steps of a call as words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def words(step: Mapping[str, Any]) -> str:
    """One step in the life of a call, for people."""
    reason = step["reason"] or ""
    wait = step["wait_s"]
    number = f" (attempt {step['attempt']})" if step["attempt"] and step["attempt"] > 1 else ""
    match step["kind"]:
        case "queued":
            return f"came in, waits for: {reason}" if reason else "came in"
        case "admitted":
            return f"may go, after {wait:.1f} s in the queue{number}" if wait and wait >= 0.05 else f"may go{number}"
        case "sent":
            return f"sent{number}"
        case "answered":
            return f"answered with status {step['status']}"
        case "first_byte":
            return "the answer begins"
        case "failed":
            return f"failed: {reason}" if reason else f"failed with status {step['status']}"
        case "held":
            when = f"goes again in {wait:.1f} s" if wait is not None else "waits to go again"
            return f"{when}: {reason}" if reason else when
        case "done":
            return "done"
        case "cancelled":
            return f"cancelled: {reason}" if reason else "cancelled"
        case other:
            return str(other)
