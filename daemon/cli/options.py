"""The arguments of the command line, and where everything is by what they and the environment say."""

from __future__ import annotations

import argparse
import os
import re
import sys
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from daemon import __version__
from daemon.config import Paths

_VALUED = ("--socket", "--config", "--state-dir", "--log-level", "--language")
"""Options that may stand before the command, and take a value."""

FORMATS = ("curl", "httpie", "python", "har", "elisp")
GROUPS = ("day", "model", "client", "host", "key")
"""As in daemon.usage.sums, for the same reason."""

SHELLS = ("posix", "powershell", "cmd")
"""As in daemon.curl.forms (a test holds them equal), which would cost each command its import."""

LONGEST_S = 1e9
"""The longest duration in seconds that the daemon takes: 31 years, so as good as always."""

_MORE = """\
environment:
  SLUICE_SOCKET, SLUICE_CONFIG, SLUICE_STATE_DIR, SLUICE_LOG_LEVEL and SLUICE_LANGUAGE say the same as
  the options of these names.

exit codes:
  0  done        1  it failed, with a line that says why        2  wrong usage        3  a daemon runs already

first steps:
  daemon --sandbox          try it without key and network
  daemon check              what is wrong with this set-up, and how to mend it
  daemon calls --failed     what failed lately
  daemon explain last-failed
"""


def program() -> str:
    """The name under which we were called: some systems own another `daemon`, so we are `sluice` as well."""
    return "sluice" if Path(sys.argv[0]).name == "sluice" else "daemon"


def arranged(arguments: list[str]) -> list[str]:
    """The command first: `--socket S status` is `status --socket S`; without a command it is `serve`."""
    value = False
    for place, word in enumerate(arguments):
        if value:
            value = False
        elif word in ("-h", "--help", "--version"):
            return arguments
        elif not word.startswith("-"):
            return [word, *arguments[:place], *arguments[place + 1 :]]
        value = word in _VALUED
    return ["serve", *arguments]


def parser() -> argparse.ArgumentParser:
    """All commands and their options."""
    top = argparse.ArgumentParser(
        prog=program(),
        description="Sluice paces, resends and explains calls to language models. Without a command it serves; "
        f"`{program()} serve --help` lists the options for that.",
        epilog=_MORE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    top.add_argument("--version", action="version", version=f"sluice {__version__}")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", required=True)
    everywhere = _everywhere()

    def command(name: str, summary: str) -> argparse.ArgumentParser:
        return commands.add_parser(
            name,
            help=summary,
            description=f"{summary[0].upper()}{summary[1:]}.",
            parents=[everywhere],
            allow_abbrev=False,
        )

    _serve_options(command("serve", "run the daemon in the foreground (the default)"))
    status_ = command("status", "what runs, what waits and why")
    status_.add_argument("--json", action="store_true", help="as JSON")
    _calls_options(command("calls", "the newest calls, or one whole"))
    _export_options(command("export", "calls of the journal for other programs, as JSON lines or HTTP Archive"))
    _usage_options(command("usage", "tokens, calls and cost, added up; and what is left of your budgets"))
    _curl_options(command("curl", "the curl command that sends a call again, or another form of it"))
    _replay_options(command("replay", "send a call again, and say whether it was a passing fault"))
    _forget_options(command("forget", "delete calls from the journal for good, or only what was kept of their bodies"))
    _explain_options(command("explain", "why a call failed, or what a pasted error means"))
    report_ = command("report", "a failed call as text for a provider's support, without keys")
    report_.add_argument("call", metavar="ID", help="a call's id, or `last`, or `last-failed`")
    check_ = command("check", "what is wrong with this set-up, and how to mend it")
    check_.add_argument("--provider", metavar="NAME", help="instead: is its key good, whose is it, what is left?")
    command("demo", "see it work in under a minute, without key and network")
    command("stop", "stop the daemon after running calls have ended")
    return top


def _everywhere() -> argparse.ArgumentParser:
    """Options that each command takes; each also by environment."""
    options = argparse.ArgumentParser(add_help=False)
    options.add_argument("--socket", metavar="PATH", type=_place, help="the Unix socket (SLUICE_SOCKET)")
    options.add_argument("--config", metavar="FILE", type=_place, help="the configuration file (SLUICE_CONFIG)")
    options.add_argument("--state-dir", metavar="DIR", type=_place, help="where the journal is (SLUICE_STATE_DIR)")
    words = "of what people read: en, ko, zh (SLUICE_LANGUAGE); a report is in English unless told here"
    options.add_argument("--language", metavar="L", help=words)
    return options


def _serve_options(options: argparse.ArgumentParser) -> None:
    options.add_argument(
        "--log-level", choices=("debug", "info", "warning", "error"), help="default info (SLUICE_LOG_LEVEL)"
    )
    options.add_argument("--sandbox", action="store_true", help="talk to the built-in sandbox provider only")


def _calls_options(options: argparse.ArgumentParser) -> None:
    options.add_argument("call", metavar="ID", nargs="?", help="show this one whole; or `last`, or `last-failed`")
    _filters(options)
    options.add_argument("--limit", type=_between(1, 10_000), default=30, metavar="N", help="at most N (default 30)")
    options.add_argument("--follow", action="store_true", help="show calls as they end, until you press C-c")
    options.add_argument("--json", action="store_true", help="as JSON, one line a call")


def _filters(options: argparse.ArgumentParser) -> None:
    options.add_argument("--failed", action="store_true", help="only failed ones")
    options.add_argument("--since", type=_seconds, metavar="1h", help="only those of the last 90s, 15m, 1h or 7d")
    options.add_argument("--model", metavar="M", help="only this model; `*` stands for any letters: 'gpt-4o*'")
    options.add_argument("--client", metavar="C", help="only this client, as the column shows it")
    options.add_argument("--subtype", metavar="S", help="only this kind of failure, as in `explain --list`")


def _export_options(options: argparse.ArgumentParser) -> None:
    options.add_argument(
        "file", metavar="FILE|-", nargs="?", default="-", help="where to; `-`: standard output (default)"
    )
    form = "jsonl: a JSON object a line; har: an HTTP Archive 1.2 (default: har for a FILE.har, else jsonl)"
    options.add_argument("--format", choices=("jsonl", "har"), help=form)
    _filters(options)
    without = "leave out what was kept of requests and answers"
    options.add_argument("--no-bodies", dest="bodies", action="store_false", help=without)


def _usage_options(options: argparse.ArgumentParser) -> None:
    options.add_argument("--by", choices=GROUPS, default="model", help="what to add up by (default model)")
    options.add_argument("--since", type=_seconds, default=7 * 86400.0, metavar="7d", help="days to count (default 7d)")
    options.add_argument("--json", action="store_true", help="as JSON")


def _curl_options(options: argparse.ArgumentParser) -> None:
    options.add_argument("call", metavar="ID", help="a call's id, or `last`, or `last-failed`")
    options.add_argument("--via-daemon", action="store_true", help="through the daemon's socket instead of direct")
    options.add_argument("--format", choices=FORMATS, default="curl", help="another form of the call (default curl)")
    options.add_argument("--shell", choices=SHELLS, default="posix", help="whose curl command; not tested on Windows")


def _replay_options(options: argparse.ArgumentParser) -> None:
    options.add_argument("call", metavar="ID", help="a call's id, or `last`, or `last-failed`")
    way = options.add_mutually_exclusive_group()
    way.add_argument("--direct", action="store_true", help="straight to the provider (the default)")
    way.add_argument("--via-daemon", action="store_true", help="through the running daemon, which paces it")
    options.add_argument("-n", dest="times", type=_between(1, 100), default=1, metavar="N", help="so often (default 1)")
    options.add_argument("--yes", action="store_true", help="do not ask before it costs money")
    options.add_argument("--json", action="store_true", help="as JSON")


def _forget_options(options: argparse.ArgumentParser) -> None:
    options.add_argument("calls", metavar="ID", nargs="*", help="a call's id, or `last`, or `last-failed`")
    before = "those from before then: 7d, 12h (so long ago), or 2026-01-31, or '2026-01-31 18:00'"
    options.add_argument("--before", type=_instant, metavar="7d|DATE", help=before)
    options.add_argument("--all", action="store_true", help="all calls that have ended")
    options.add_argument("--bodies", action="store_true", help="only requests and answers; the rest of the calls stays")
    options.add_argument("--yes", action="store_true", help="do not ask before")
    options.add_argument("--json", action="store_true", help="as JSON")


def _explain_options(options: argparse.ArgumentParser) -> None:
    what = options.add_mutually_exclusive_group()
    source = "a file, `-` for standard input (the default), a call's id, `last` or `last-failed`"
    what.add_argument("source", metavar="FILE|-|ID", nargs="?", default="-", help=source)
    what.add_argument("--text", help="the error text itself")
    what.add_argument("--jsonl", metavar="FILE", help="a line of JSON for each JSON line of FILE (`-`: standard input)")
    what.add_argument("--list", action="store_true", help="list all kinds of failure that are told apart")
    options.add_argument("--provider", metavar="NAME", help="whose error it is, if you know")
    options.add_argument("--status", type=_between(100, 999), metavar="N", help="the HTTP status, if you know")
    options.add_argument("--json", action="store_true", help="as JSON")
    options.add_argument("--why", action="store_true", help="also show which rules looked at the text, and matched")


def _place(word: str) -> str:
    """An absolute path from an option. A path that is empty (an unset variable?) would silently mean the default."""
    if not word:
        raise argparse.ArgumentTypeError("the path is empty; give one, or leave the option out")
    try:
        return str(Path(word).expanduser().absolute())
    except (OSError, RuntimeError) as error:  # the folder where we stand is gone, or nobody has that home
        raise argparse.ArgumentTypeError(f"{word} cannot be made absolute: {error}; give the whole path") from None


def _seconds(word: str) -> float:
    """A duration such as 90s, 15m, 1h or 7d, in seconds."""
    found = re.fullmatch(r"(\d{1,9}(?:\.\d{1,9})?)([smhd])", word.strip().lower())
    if found is None:
        raise argparse.ArgumentTypeError(f"{word!r} is not a duration; write it as 90s, 15m, 1h or 7d")
    return min(float(found[1]) * {"s": 1, "m": 60, "h": 3600, "d": 86400}[found[2]], LONGEST_S)


def _instant(word: str) -> float:
    """A Unix time from a duration that ends now, or from a local date with or without a time."""
    try:
        return datetime.fromisoformat(word.strip()).timestamp()
    except (ValueError, OverflowError):
        pass
    try:
        return time.time() - _seconds(word)
    except argparse.ArgumentTypeError:
        wanted = "is neither a duration (7d, 12h) nor a date (2026-01-31, '2026-01-31 18:00')"
        raise argparse.ArgumentTypeError(f"{word!r} {wanted}") from None


def _between(least: int, most: int) -> Callable[[str], int]:
    """A reader of whole numbers from LEAST to MOST."""

    def read(word: str) -> int:
        if not word.isdecimal() or not least <= int(word[:9]) <= most:
            raise argparse.ArgumentTypeError(f"{word!r} is not a whole number from {least:,} to {most:,}")
        return int(word)

    return read


def paths(options: argparse.Namespace) -> Paths:
    """Where everything is: options before environment before the platform's defaults."""
    from daemon.config import default_paths

    return default_paths(environment(options))


def environment(options: argparse.Namespace) -> dict[str, str]:
    """The environment, with what the options say in the place of its SLUICE_ variables."""
    told = {
        "SLUICE_SOCKET": options.socket,
        "SLUICE_CONFIG": options.config,
        "SLUICE_STATE_DIR": options.state_dir,
        "SLUICE_LOG_LEVEL": getattr(options, "log_level", None),
        "SLUICE_LANGUAGE": getattr(options, "language", None),
    }
    return {**os.environ, **{name: value for name, value in told.items() if value}}
