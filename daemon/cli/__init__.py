"""The command line: `daemon` and, the same, `sluice`."""

from daemon.cli.main import main

__all__ = ["main"]
