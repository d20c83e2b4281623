"""The whole story of one call."""

from daemon.gateway.intake import Incoming
from daemon.gateway.loop import Gateway

__all__ = ["Gateway", "Incoming"]
