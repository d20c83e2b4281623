"""Arguments in, exit code out. Each command imports only what it uses."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from daemon import __version__
from daemon.config import Paths
from daemon.errors import NotFound, Refusal

Command = Callable[[argparse.Namespace], int]

EXIT_OK, EXIT_FAILED, EXIT_USAGE, EXIT_RUNNING = 0, 1, 2, 3


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command. 0: done; 1: it failed, with a line that says why; 2: wrong usage; 3: a daemon runs already."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if not arguments or (arguments[0].startswith("-") and arguments[0] not in ("-h", "--help", "--version")):
        arguments.insert(0, "serve")
    options = parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except Refusal as refusal:
        print(f"daemon {options.command}: {refusal.message}", file=sys.stderr)
        return EXIT_FAILED
    except BrokenPipeError:  # the reader of our output left, as `| head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_FAILED
    except KeyboardInterrupt:
        return 130


def parser() -> argparse.ArgumentParser:
    """All commands and their options."""
    top = argparse.ArgumentParser(
        prog="daemon",
        description="Sluice paces, resends and explains calls to language models. Without a command it serves.",
    )
    top.add_argument("--version", action="version", version=f"sluice {__version__}")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", required=True)
    everywhere = _everywhere()

    def command(name: str, run: Command, summary: str) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=summary, description=summary, parents=[everywhere])
        made.set_defaults(run=run)
        return made

    _serve_options(command("serve", serve, "run the daemon in the foreground (the default)"))
    status_ = command("status", status, "what runs, what waits and why")
    status_.add_argument("--json", action="store_true", help="as JSON")
    _calls_options(command("calls", calls, "the newest calls, or one whole"))
    curl_ = command("curl", curl, "the curl command that sends a call again")
    curl_.add_argument("call", metavar="ID", help="a call's id, or `last`, or `last-failed`")
    curl_.add_argument("--via-daemon", action="store_true", help="through the daemon's socket instead of direct")
    _explain_options(command("explain", explain, "why a call failed, or what a pasted error means"))
    command("check", check, "what is wrong with this set-up, and how to mend it")
    command("demo", demo, "see it work in under a minute, without key and network")
    command("stop", stop, "stop the daemon after running calls have ended")
    return top


def _everywhere() -> argparse.ArgumentParser:
    """Options that each command takes; each also by environment."""
    options = argparse.ArgumentParser(add_help=False)
    options.add_argument("--socket", metavar="PATH", help="the Unix socket (SLUICE_SOCKET)")
    options.add_argument("--config", metavar="FILE", help="the configuration file (SLUICE_CONFIG)")
    options.add_argument("--state-dir", metavar="DIR", help="where the journal is kept (SLUICE_STATE_DIR)")
    return options


def _serve_options(options: argparse.ArgumentParser) -> None:
    options.add_argument(
        "--log-level", choices=("debug", "info", "warning", "error"), help="default info (SLUICE_LOG_LEVEL)"
    )
    options.add_argument("--sandbox", action="store_true", help="talk to the built-in sandbox provider only")


def _calls_options(options: argparse.ArgumentParser) -> None:
    options.add_argument("call", metavar="ID", nargs="?", help="show this one whole")
    options.add_argument("--failed", action="store_true", help="only failed ones")
    options.add_argument("--limit", type=int, default=30, metavar="N", help="at most N (default 30)")
    options.add_argument("--json", action="store_true", help="as JSON lines")


def _explain_options(options: argparse.ArgumentParser) -> None:
    options.add_argument("source", metavar="FILE|-|ID", nargs="?", default="-", help="a file, `-` for standard input, "
                         "a call's id, `last` or `last-failed`")  # fmt: skip
    options.add_argument("--text", help="the error text itself")
    options.add_argument("--provider", metavar="NAME", help="whose error it is, if you know")
    options.add_argument("--status", type=int, metavar="N", help="the HTTP status, if you know")
    options.add_argument("--language", metavar="L", help="of the words")
    options.add_argument("--json", action="store_true", help="as JSON")
    options.add_argument("--why", action="store_true", help="also show which rules looked and matched")
    options.add_argument("--jsonl", metavar="FILE", help="explain each JSON line of FILE (`-`: standard input)")
    options.add_argument("--list", action="store_true", help="list all kinds of failure that are told apart")


# ---- the commands


def serve(options: argparse.Namespace) -> int:
    """Run the daemon."""
    from daemon.app import serve as run
    from daemon.doors.porter import AlreadyRunning

    try:
        return run(paths(options), sandbox=options.sandbox, environ=environment(options))
    except AlreadyRunning as running:
        print(f"daemon serve: {running}; see it with `daemon status`", file=sys.stderr)
        return EXIT_RUNNING


def status(options: argparse.Namespace) -> int:
    """What runs."""
    from daemon.cli.client import ask
    from daemon.cli.show import status_text

    answer = ask(paths(options), "status")
    say([json.dumps(answer, ensure_ascii=False)] if options.json else status_text(answer, time.time()))
    return EXIT_OK


def calls(options: argparse.Namespace) -> int:
    """The newest calls, or one."""
    from daemon.cli.show import call_text, calls_text

    if options.call:
        row = _ask_or_read(options, "show", {"call": options.call})
        say([json.dumps(row, ensure_ascii=False)] if options.json else call_text(row, time.time()))
        return EXIT_OK
    answer = _ask_or_read(options, "calls", {"failed": options.failed, "limit": options.limit})
    rows = answer["calls"]
    say((json.dumps(row, ensure_ascii=False) for row in rows) if options.json else calls_text(rows, time.time()))
    return EXIT_OK


def curl(options: argparse.Namespace) -> int:
    """The curl command of a call."""
    answer = _ask_or_read(options, "curl", {"call": options.call, "via_daemon": options.via_daemon})
    say([answer["command"]])
    return EXIT_OK


def explain(options: argparse.Namespace) -> int:
    """Explain a call, a text, or many."""
    from daemon.cli import explaining

    if options.list:
        say(explaining.listing(options))
    elif options.jsonl:
        say(explaining.many(options))
    elif options.text is None and explaining.is_call(options.source):
        params = {"call": options.source, "language": options.language}
        answer = _ask_or_read(options, "explain", params)
        say([json.dumps(answer, ensure_ascii=False)] if options.json else answer["text"].splitlines())
    else:
        say(explaining.one(options))
    return EXIT_OK


def check(options: argparse.Namespace) -> int:
    """Look at the set-up."""
    from daemon.cli import check as checking

    checks = checking.run(paths(options), os.environ)
    say(checking.lines(checks))
    return EXIT_FAILED if any(one.state == "bad" for one in checks) else EXIT_OK


def demo(options: argparse.Namespace) -> int:
    """Show it."""
    from daemon.cli import demo as showing

    return showing.run()


def stop(options: argparse.Namespace) -> int:
    """Stop the daemon."""
    from daemon.cli.client import ask

    ask(paths(options), "shutdown")
    say(["The daemon stops as soon as running calls have ended."])
    return EXIT_OK


def _ask_or_read(options: argparse.Namespace, method: str, params: dict[str, Any]) -> Any:
    """Ask the daemon; without one, read its journal."""
    from daemon.cli.client import NotRunning, ask

    where = paths(options)
    try:
        return ask(where, method, params)
    except NotRunning as not_running:
        from daemon.cli import offline

        try:
            return offline.answer(where, method, params)
        except FileNotFoundError:
            raise NotFound(f"{not_running.message}; and there is no journal in {where.state_dir} yet") from None


def paths(options: argparse.Namespace) -> Paths:
    """Where everything is: options before environment before the platform's defaults."""
    from daemon.config import default_paths

    return default_paths(environment(options))


def environment(options: argparse.Namespace) -> dict[str, str]:
    """The environment, with what the options say in the place of its SLUICE_ variables."""
    told = {"SLUICE_SOCKET": options.socket, "SLUICE_CONFIG": options.config, "SLUICE_STATE_DIR": options.state_dir}
    said = {name: str(Path(value).absolute()) for name, value in told.items() if value}
    level = getattr(options, "log_level", None)
    return {**os.environ, **said, **({"SLUICE_LOG_LEVEL": level} if level else {})}


def say(lines: Iterable[str]) -> None:
    """Print LINES; what standard output cannot show is replaced."""
    encoding = sys.stdout.encoding or "utf-8"
    for line in lines:
        print(line.encode(encoding, "replace").decode(encoding))
