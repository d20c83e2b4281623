"""The nouns of the fallback: which calls go elsewhere, when, and where to. Values only."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """Where a call may go instead."""

    model: str
    host: str | None = None
    """As in a Host header; None: the host that the call was for."""


@dataclass(frozen=True, slots=True)
class Fallback:
    """One entry of the configuration's list."""

    to: tuple[Place, ...]
    """In this order."""
    hosts: tuple[str, ...] = ("*",)
    """Shell patterns of the hosts whose calls it concerns."""
    models: tuple[str, ...] = ("*",)
    on: tuple[str, ...] = ()
    """Subtypes and families of failures."""
    wait_s: float | None = None
    """A call that would wait longer for a limit goes elsewhere, too; None: it waits."""
    on_at: tuple[str, ...] = ()
    """For messages: `FILE:LINE` of each of ON, and of each of TO."""
    to_at: tuple[str, ...] = ()
