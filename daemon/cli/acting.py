"""Commands by which the daemon does something: it takes a call out, lets one go earlier, reads its settings, ends."""

from __future__ import annotations

from daemon import TYPE_CHECKING
from daemon.cli.language import chosen
from daemon.cli.options import folders
from daemon.cli.terminal import say_json, say_text
from daemon.errors import Refusal
from daemon.phrases import phrase

if TYPE_CHECKING:
    from argparse import Namespace

STOP_S = 40.0
"""How long `daemon stop` waits: the default of `drain`, and as much again for closing everything."""

_TAKES = {"cancel": ("call",), "promote": ("call", "priority"), "reload": ()}
"""What each command hands on to the operation of its name."""
_SAYS = {"cancel": "acting.cancelled", "promote": "acting.promoted"}
"""The sentence for each, with the answer's values; `reload` answers with its own."""


def run(options: Namespace) -> None:
    """Have the daemon do what the command is called. Raises Refusal."""
    from daemon.cli.client import ask

    language = chosen(options)
    params = {name: getattr(options, name) for name in _TAKES[options.command]}
    answer = ask(folders(options), options.command, {**params, "language": language})
    if options.json:
        say_json([answer])
    elif said := _SAYS.get(options.command):
        say_text([phrase(said, **answer).told(language)])
    else:
        say_text([answer["reloaded"]])


def stop(options: Namespace) -> None:
    """Stop the daemon, and wait until it has ended. Raises Refusal."""
    from daemon.cli.client import NotRunning, Silent, address, ask, wait_for_end

    where = folders(options)
    try:
        ask(where, "shutdown")
    except NotRunning as none:
        if isinstance(none, Silent):
            raise
        raise NotRunning(phrase("client.nothing_to_stop", where=str(address(where)))) from None
    if not wait_for_end(where, STOP_S):
        raise Refusal(phrase("client.still_runs", seconds=STOP_S))
    say_text([phrase("client.stopped").told(chosen(options))])
