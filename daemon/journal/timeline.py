"""Steps of a call as words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from daemon.phrases import Phrase, phrase


def words(step: Mapping[str, Any]) -> str:
    """One step in the life of a call, for people: a phrase, whose reason is in the words in which it was kept."""
    told = _told(step)
    number = step["attempt"]
    return phrase("step.again", step=told, attempt=number) if number and number > 1 and _moves(step) else told


def _moves(step: Mapping[str, Any]) -> bool:
    return step["kind"] in ("admitted", "sent")


def _told(step: Mapping[str, Any]) -> str:
    kind, reason, wait = str(step["kind"]), step["reason"], step["wait_s"]
    if kind == "admitted" and wait and wait >= 0.05:
        return phrase("step.admitted_after", wait=wait)
    if kind == "held":
        return _held(reason, wait)
    if kind == "failed" and not reason:
        return phrase("step.failed_status", status=str(step["status"]))
    if kind in ("keyed", "rerouted") and reason:
        return str(reason)
    if kind in ("queued", "joined", "left", "failed", "cancelled") and reason:
        return phrase(f"step.{kind}_why", why=reason)
    if kind == "answered":
        return phrase("step.answered", status=str(step["status"]))
    return phrase(f"step.{kind}") if kind in ("queued", "admitted", "sent", "first_byte", "done", "cancelled") else kind


def _held(reason: str | None, wait: float | None) -> Phrase:
    when = phrase("step.held") if wait is None else phrase("step.held_for", wait=wait)
    return phrase("step.held_why", when=when, why=reason) if reason else when
