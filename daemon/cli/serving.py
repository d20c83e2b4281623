"""`daemon serve`: the daemon in the foreground."""

from __future__ import annotations

from daemon import TYPE_CHECKING
from daemon.cli import codes, terminal
from daemon.cli.language import chosen
from daemon.cli.options import environment, folders, paths, program
from daemon.cli.terminal import columns
from daemon.errors import Refusal
from daemon.phrases import phrase

if TYPE_CHECKING:
    from argparse import Namespace
    from pathlib import Path

A_LOOK = 5000, 20, 50
"""So many new objects before Python looks for circles among them, and so many such looks before it looks farther. With
3,000 to 20,000 in the place of its own 700, one to five of a hundred calls a second more went through, and memory grew
no more (measured, twice each)."""


def run(options: Namespace) -> int:
    """Serve until somebody ends it."""
    import gc
    from dataclasses import replace

    gc.disable()  # what is loaded now stays until the end: nothing to look for in it
    from daemon.app import serve
    from daemon.cli.ready import ready_lines
    from daemon.doors.claim import Taken

    def ready(socket: Path, sandbox: bool) -> None:
        lines = ready_lines(socket, sandbox=sandbox, language=chosen(options), most=columns())
        terminal.announce(lines)
        gc.freeze()
        gc.set_threshold(*A_LOOK)
        gc.enable()

    places = paths(options)
    if options.sandbox and not options.state_dir:
        places = replace(places, state_dir=places.state_dir / "sandbox")  # it costs nothing, so it counts nowhere
    try:
        return serve(
            places,
            sandbox=options.sandbox,
            environ=environment(options),
            ready=ready,
            replace_running=options.replace,
        )
    except Taken as taken:
        terminal.complain(f"{program()} {options.command}: {taken.told(chosen(options))}")
        if not options.sandbox and _sandbox_runs(options):
            terminal.complain(phrase("taken.sandbox").told(chosen(options)))
        return codes.RUNNING
    finally:
        gc.enable()


def _sandbox_runs(options: Namespace) -> bool:
    """True if what answers is the sandbox."""
    from daemon.cli.client import ask

    try:
        return bool(ask(folders(options), "status", {}, timeout_s=2)["daemon"]["sandbox"])
    except (Refusal, LookupError, TypeError):
        return False
