"""Builds the parts once, opens the socket, and lives until it is told to stop."""

from daemon.app.application import App
from daemon.app.serving import open_journal, serve
from daemon.doors.claim import Taken

__all__ = ["App", "Taken", "open_journal", "serve"]
