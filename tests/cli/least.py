"""The fewest words with which a command is right."""

from __future__ import annotations

from daemon.cli.commands import COMMANDS


def least(command: str) -> list[str]:
    """COMMAND, and a value in each place that must have one."""
    needed = [one for one in COMMANDS[command] if not one["word"].startswith("-") and "nargs" not in one]
    return [command, *[one.get("choices", ("c1",))[0] for one in needed]]
