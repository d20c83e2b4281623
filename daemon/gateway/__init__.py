"""The whole story of one call."""

from daemon.gateway.intake import Incoming, named
from daemon.gateway.loop import Gateway
from daemon.gateway.spare import SPARE_S
from daemon.gateway.under_way import Stop
from daemon.gateway.wishes import ALONE, NO_WISH, Rules, Wish

__all__ = ["ALONE", "NO_WISH", "SPARE_S", "Gateway", "Incoming", "Rules", "Stop", "Wish", "named"]
