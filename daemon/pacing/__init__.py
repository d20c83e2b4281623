"""When may a call go? Paces calls to the provider's limits, which it learns from the provider's answers."""

from daemon.pacing.block import Blocked
from daemon.pacing.joining import Joined
from daemon.pacing.pacer import Pacer
from daemon.pacing.permit import Permit, Setback
from daemon.pacing.settings import PacingSettings

__all__ = ["Blocked", "Joined", "Pacer", "PacingSettings", "Permit", "Setback"]
