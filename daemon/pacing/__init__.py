"""When may a call go? Paces calls to the provider's limits, which it learns from the provider's answers."""

from __future__ import annotations

from daemon import TYPE_CHECKING
from daemon.lazily import lazily

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

__getattr__ = lazily(__name__, _HOME)
"""The command line needs the names of limits alone."""
