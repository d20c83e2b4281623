"""When may a call go? Paces calls to the provider's limits, which it learns from the provider's answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from daemon.pacing.block import Blocked
    from daemon.pacing.joining import Joined
    from daemon.pacing.pacer import Pacer
    from daemon.pacing.permit import Permit, Setback
    from daemon.pacing.settings import PacingSettings

__all__ = ["Blocked", "Joined", "Pacer", "PacingSettings", "Permit", "Setback"]

_HOME = {
    "Blocked": "block",
    "Joined": "joining",
    "Pacer": "pacer",
    "PacingSettings": "settings",
    "Permit": "permit",
    "Setback": "permit",
}


def __getattr__(name: str) -> Any:
    """Load a part when it is asked for: the command line needs the names of limits alone."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
