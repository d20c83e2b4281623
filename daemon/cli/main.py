"""Arguments in, exit code out. Each command imports only what it uses."""

from __future__ import annotations

import sys
import time

from daemon import TYPE_CHECKING
from daemon.cli import terminal
from daemon.cli.language import chosen, heard
from daemon.cli.options import arranged, environment, folders, paths, program
from daemon.cli.quick import quick
from daemon.cli.terminal import columns, say, say_json, say_text
from daemon.errors import InvalidCall, NotFound, Refusal
from daemon.phrases import languages, phrase, spoken

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path
    from typing import Any

EXIT_OK, EXIT_FAILED, EXIT_USAGE, EXIT_RUNNING, EXIT_INTERRUPTED = 0, 1, 2, 3, 130

ALWAYS = ("failed", "limit")
"""Parameters of the operation `calls` that have a value, whatever was asked for."""

A_LOOK = 5000, 20, 50
"""So many new objects before Python looks for circles among them, and so many such looks before it looks farther. With
3,000 to 20,000 in the place of its own 700, one to five of a hundred calls a second more went through, and memory grew
no more (measured, twice each)."""

STOP_S = 40.0
"""How long `daemon stop` waits: the default of `drain`, and as much again for closing everything."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command. 0: done; 1: it failed, with a line that says why; 2: wrong usage; 3: a daemon runs already."""
    terminal.set_up()
    arguments = arranged(list(sys.argv[1:] if argv is None else argv))
    try:
        try:
            options = quick(arguments) or _parsed(arguments)
            _doubt_language(options)
            return COMMANDS[options.command](options)
        finally:
            terminal.flush()
    except Refusal as refusal:
        terminal.complain(f"{program()} {arguments[0]}: {refusal.told(chosen(options))}")
        return EXIT_FAILED
    except BrokenPipeError:  # the reader of our output left, as `| head` does
        terminal.forget_output()
        return EXIT_FAILED
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED


def _doubt_language(options: Namespace) -> None:
    """Say so when there are no words in the language asked for; where the configuration is read, that is refused."""
    if options.language and spoken(options.language) is None and options.command not in ("serve", "check"):
        known = ", ".join(sorted(languages()))
        told = phrase("arguments.no_language", language=options.language, known=known)
        terminal.complain(f"{program()} {options.command}: {told}")


def _parsed(arguments: Sequence[str]) -> Any:
    """The same by argparse, for what is not plain. Ends the program for help and mistakes."""
    from daemon.cli.parser import parser

    return parser(lambda: heard(arguments), only=arguments[0]).parse_args(arguments)


# ---- the commands


def serve(options: Namespace) -> int:
    """Run the daemon."""
    import gc
    from dataclasses import replace

    gc.disable()  # what is loaded now stays until the end: nothing to look for in it
    from daemon.app import serve as run
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
        return run(
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
        return EXIT_RUNNING
    finally:
        gc.enable()


def _sandbox_runs(options: Namespace) -> bool:
    """True if what answers is the sandbox."""
    from daemon.cli.client import ask

    try:
        return bool(ask(folders(options), "status", {}, timeout_s=2)["daemon"]["sandbox"])
    except (Refusal, LookupError, TypeError):
        return False


def status(options: Namespace) -> int:
    """What runs."""
    from daemon.cli.client import ask
    from daemon.cli.show import status_text

    language = chosen(options)
    answer = ask(folders(options), "status", {"language": language})
    if options.json:
        say_json([answer])
    else:
        say(status_text(answer, time.time(), language, columns()))
    return EXIT_OK


def calls(options: Namespace) -> int:
    """The newest calls, or one."""
    language = chosen(options)
    if options.follow:
        from daemon.cli import follow, kinds

        kinds.refuse_unknown(options)

        if options.call:
            raise InvalidCall(phrase("follow.one"))
        follow.run(options, filters(options))
    if options.call:
        rows = [_ask_or_read(options, "show", {"call": options.call, "language": language})]
        missing: Any = None
    else:
        answer = _ask_or_read(options, "calls", {**filters(options), "language": language})
        rows, missing = answer["calls"], answer.get("journal")
        if not rows and options.subtype:
            from daemon.cli import kinds

            kinds.refuse_unknown(options)
    if options.json:
        say_json(rows)
        if missing:
            terminal.complain("\n".join(_missing(missing, language)))
    elif not rows and missing:
        say(_missing(missing, language))
    elif not rows and len(filters(options)) > len(ALWAYS):
        say_text([phrase("calls.no_match").told(language)])
    elif options.call:
        from daemon.cli.story import call_text

        say_text(call_text(rows[0], time.time(), language))
    else:
        from daemon.cli.show import calls_text

        where = "" if rows else _socket(options)
        say(calls_text(rows, time.time(), failed=options.failed, language=language, most=columns(), socket=where))
        if missing:
            say(["", *_missing(missing, language)])
    return EXIT_OK


def _missing(journal: Mapping[str, Any], language: str) -> list[str]:
    """What is not in the answer, since the JOURNAL cannot be written."""
    from daemon.cli.show import missing_text

    return missing_text(journal, time.time(), language, columns())


def _socket(options: Namespace) -> str:
    """Where the daemon is, as one types it."""
    from daemon.cli.client import address

    return str(address(folders(options)))


def export(options: Namespace) -> int:
    """Calls for other programs."""
    from daemon.cli import export as exporting

    asked = filters(options)
    asked.pop("limit")
    exporting.run(options, asked)
    return EXIT_OK


def filters(options: Namespace) -> dict[str, Any]:
    """The parameters of the operation `calls`, without what nobody asked for."""
    told = {"since_s": options.since, "model": options.model, "client": options.client, "subtype": options.subtype}
    given = {name: value for name, value in told.items() if value is not None}
    return {**{name: getattr(options, name, None) for name in ALWAYS}, **given}


def usage(options: Namespace) -> int:
    """Tokens, calls and cost, added up."""
    from daemon.cli.usage import usage_text

    language = chosen(options)
    wanted = {"by": options.by, "since_s": options.since, "language": language}
    answer = _ask_or_read(options, "usage", wanted)
    if options.json:
        say_json([answer])
    else:
        say(usage_text(answer, language, columns()))
    return EXIT_OK


def curl(options: Namespace) -> int:
    """The curl command of a call."""
    wanted = {"call": options.call, "via_daemon": options.via_daemon, "format": options.format, "shell": options.shell}
    answer = _ask_or_read(options, "curl", {**wanted, "language": chosen(options)})
    terminal.speak_utf8()
    say(answer["command"].split("\n"))
    return EXIT_OK


def replay(options: Namespace) -> int:
    """Send a call again, and compare."""
    from daemon.cli import replay as replaying

    return (
        EXIT_OK if replaying.run(options, lambda name: _ask_or_read(options, "show", {"call": name})) else EXIT_FAILED
    )


def cancel(options: Namespace) -> int:
    """End a call that waits or runs."""
    return _act(options, "acting.cancelled", {"call": options.call})


def promote(options: Namespace) -> int:
    """Give a waiting call another priority."""
    return _act(options, "acting.promoted", {"call": options.call, "priority": options.priority})


def reload(options: Namespace) -> int:
    """Let the daemon read its configuration again."""
    return _act(options, "", {})


def _act(options: Namespace, said: str, params: Mapping[str, Any]) -> int:
    """Have the daemon do what the command is called; SAID is the sentence for it, with the answer's values."""
    from daemon.cli.client import ask

    language = chosen(options)
    answer = ask(folders(options), options.command, {**params, "language": language})
    if options.json:
        say_json([answer])
    else:
        say_text([phrase(said, **answer).told(language) if said else answer["reloaded"]])
    return EXIT_OK


def forget(options: Namespace) -> int:
    """Delete calls for good."""
    from daemon.cli import forget as forgetting

    forgetting.run(options)
    return EXIT_OK


def explain(options: Namespace) -> int:
    """Explain a call, a text, or many."""
    from daemon.cli import explaining

    if options.list:
        explaining.listing(options)
    elif options.jsonl is not None:
        return EXIT_FAILED if explaining.many(options) else EXIT_OK
    elif options.text is None and explaining.is_call(options.source):
        explaining.call(options, lambda params: _ask_or_read(options, "explain", params))
    else:
        explaining.one(options)
    return EXIT_OK


def report(options: Namespace) -> int:
    """A failed call as text for a provider's support."""
    answer = _ask_or_read(options, "report", {"call": options.call, "language": options.language})
    if (language := chosen(options)) != "en" and not options.language:
        terminal.complain(phrase("ready.report", language=language).told(language))
    terminal.speak_utf8()
    say(answer["text"].split("\n")[:-1])
    return EXIT_OK


def cache(options: Namespace) -> int:
    """The answers that are kept."""
    from daemon.cli.client import ask
    from daemon.cli.show import cache_text

    answer = ask(folders(options), "cache", {"clear": True} if options.clear else {})
    if options.json:
        say_json([answer])
    else:
        say_text(cache_text(answer, chosen(options)))
    return EXIT_OK


def check(options: Namespace) -> int:
    """Look at the set-up."""
    from daemon.cli import check as checking

    if options.provider:
        from daemon.cli import account

        told = {**environment(options), "SLUICE_LANGUAGE": chosen(options)}
        checks = account.run(paths(options), told, options.provider)
    else:
        checks = checking.run(paths(options), environment(options))
    say(checking.lines(checks, chosen(options), columns()))
    return EXIT_FAILED if any(one.state == "bad" for one in checks) else EXIT_OK


def install_service(options: Namespace) -> int:
    """Write the files by which the system starts the daemon."""
    from daemon.cli import units

    units.run(options)
    return EXIT_OK


def socket(options: Namespace) -> int:
    """Where the daemon is, for other programs."""
    say([_socket(options)])
    return EXIT_OK


def demo(options: Namespace) -> int:
    """Show it."""
    from daemon.cli import demo as showing

    return showing.run(chosen(options))


def stop(options: Namespace) -> int:
    """Stop the daemon, and wait until it has ended."""
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
    return EXIT_OK


def _ask_or_read(options: Namespace, method: str, params: Mapping[str, Any]) -> Any:
    """Ask the daemon; without one, read its journal."""
    from daemon.cli.client import NotRunning, Silent, address, ask

    where = folders(options)
    try:
        return ask(where, method, params)
    except NotRunning as not_running:
        from daemon.cli import offline

        if isinstance(not_running, Silent):
            asked = phrase("client.journal_asked", why=not_running.message).told(chosen(options))
            terminal.complain(f"{program()} {options.command}: {asked}")
        try:
            return offline.answer(paths(options), method, params)
        except offline.NoJournal as none:
            raise NotFound(phrase("client.neither", where=str(address(where)), why=none.message)) from None


COMMANDS: Mapping[str, Callable[[Namespace], int]] = {
    "serve": serve,
    "status": status,
    "calls": calls,
    "export": export,
    "usage": usage,
    "curl": curl,
    "replay": replay,
    "cancel": cancel,
    "promote": promote,
    "forget": forget,
    "explain": explain,
    "report": report,
    "cache": cache,
    "reload": reload,
    "check": check,
    "install-service": install_service,
    "socket": socket,
    "demo": demo,
    "stop": stop,
}
