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
from typing import Any

from daemon import __version__
from daemon.arguments import Parser, WrongValue
from daemon.config import Paths
from daemon.phrases import languages, phrase

_VALUED = ("--socket", "--config", "--state-dir", "--log-level", "--language")
"""Options that may stand before the command, and take a value."""

FORMATS = ("curl", "httpie", "python", "har", "elisp")
GROUPS = ("day", "model", "client", "host", "key")
"""As in daemon.usage.sums, for the same reason."""

SHELLS = ("posix", "powershell", "cmd")
"""As in daemon.curl.forms (a test holds them equal), which would cost each command its import."""

LONGEST_S = 1e9
"""The longest duration in seconds that the daemon takes: 31 years, so as good as always."""


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


def parser(spoken: Callable[[], str] = lambda: "en") -> Parser:
    """All commands and their options. SPOKEN is asked for the reader's language when something is to be read."""
    told: dict[str, Any] = {"spoken": spoken, "values": {"program": program(), "known": ", ".join(sorted(languages()))}}
    top = Parser(prog=program(), description="help.top", epilog="help.more", **told)
    top.add_argument("--version", action="version", version=f"sluice {__version__}", help="help.version")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", required=True)

    def command(name: str) -> Parser:
        added: Parser = commands.add_parser(name, help=f"command.{name}", description=f"command.{name}", **told)
        _everywhere(added)
        return added

    _serve_options(command("serve"))
    command("status").add_argument("--json", action="store_true", help="help.json")
    _calls_options(command("calls"))
    _export_options(command("export"))
    _usage_options(command("usage"))
    _curl_options(command("curl"))
    _replay_options(command("replay"))
    _forget_options(command("forget"))
    _explain_options(command("explain"))
    command("report").add_argument("call", metavar="ID", help="help.call")
    cache_ = command("cache")
    cache_.add_argument("--clear", action="store_true", help="help.clear")
    cache_.add_argument("--json", action="store_true", help="help.json")
    command("check").add_argument("--provider", metavar="NAME", help="help.check_provider")
    _unit_options(command("install-service"))
    command("demo")
    command("stop")
    return top


def _everywhere(options: argparse.ArgumentParser) -> None:
    """Options that each command takes; each also by environment."""
    options.add_argument("--socket", metavar="PATH", type=_place, help="help.socket")
    options.add_argument("--config", metavar="FILE", type=_place, help="help.config")
    options.add_argument("--state-dir", metavar="DIR", type=_place, help="help.state_dir")
    options.add_argument("--language", metavar="L", help="help.language")


def _serve_options(options: argparse.ArgumentParser) -> None:
    options.add_argument("--log-level", choices=("debug", "info", "warning", "error"), help="help.log_level")
    options.add_argument("--sandbox", action="store_true", help="help.sandbox")
    options.add_argument("--replace", action="store_true", help="help.replace")


def _calls_options(options: argparse.ArgumentParser) -> None:
    options.add_argument("call", metavar="ID", nargs="?", help="help.one_call")
    _filters(options)
    options.add_argument("--limit", type=_between(1, 10_000), default=30, metavar="N", help="help.limit")
    options.add_argument("--follow", action="store_true", help="help.follow")
    options.add_argument("--json", action="store_true", help="help.json_lines")


def _filters(options: argparse.ArgumentParser) -> None:
    options.add_argument("--failed", action="store_true", help="help.failed")
    options.add_argument("--since", type=_seconds, metavar="1h", help="help.since")
    options.add_argument("--model", metavar="M", help="help.model")
    options.add_argument("--client", metavar="C", help="help.client")
    options.add_argument("--subtype", metavar="S", help="help.subtype")


def _export_options(options: argparse.ArgumentParser) -> None:
    options.add_argument("file", metavar="FILE|-", nargs="?", default="-", help="help.export_file")
    options.add_argument("--format", choices=("jsonl", "har"), help="help.export_format")
    _filters(options)
    options.add_argument("--no-bodies", dest="bodies", action="store_false", help="help.no_bodies")


def _usage_options(options: argparse.ArgumentParser) -> None:
    options.add_argument("--by", choices=GROUPS, default="model", help="help.by")
    options.add_argument("--since", type=_seconds, default=7 * 86400.0, metavar="7d", help="help.days")
    options.add_argument("--json", action="store_true", help="help.json")


def _curl_options(options: argparse.ArgumentParser) -> None:
    options.add_argument("call", metavar="ID", help="help.call")
    options.add_argument("--via-daemon", action="store_true", help="help.through_socket")
    options.add_argument("--format", choices=FORMATS, default="curl", help="help.format")
    options.add_argument("--shell", choices=SHELLS, default="posix", help="help.shell")


def _replay_options(options: argparse.ArgumentParser) -> None:
    options.add_argument("call", metavar="ID", help="help.call")
    way = options.add_mutually_exclusive_group()
    way.add_argument("--direct", action="store_true", help="help.direct")
    way.add_argument("--via-daemon", action="store_true", help="help.via_daemon")
    options.add_argument("-n", dest="times", type=_between(1, 100), default=1, metavar="N", help="help.times")
    options.add_argument("--yes", action="store_true", help="help.yes")
    options.add_argument("--json", action="store_true", help="help.json")


def _forget_options(options: argparse.ArgumentParser) -> None:
    options.add_argument("calls", metavar="ID", nargs="*", help="help.call")
    options.add_argument("--before", type=_instant, metavar="7d|DATE", help="help.before")
    options.add_argument("--all", action="store_true", help="help.all")
    options.add_argument("--bodies", action="store_true", help="help.only_bodies")
    options.add_argument("--yes", action="store_true", help="help.yes_forget")
    options.add_argument("--json", action="store_true", help="help.json")


def _explain_options(options: argparse.ArgumentParser) -> None:
    what = options.add_mutually_exclusive_group()
    what.add_argument("source", metavar="FILE|-|ID", nargs="?", default="-", help="help.source")
    what.add_argument("--text", help="help.text")
    what.add_argument("--jsonl", metavar="FILE", help="help.jsonl")
    what.add_argument("--list", action="store_true", help="help.list")
    options.add_argument("--provider", metavar="NAME", help="help.provider")
    options.add_argument("--status", type=_between(100, 999), metavar="N", help="help.status")
    options.add_argument("--json", action="store_true", help="help.json")
    options.add_argument("--why", action="store_true", help="help.why")


def _unit_options(options: argparse.ArgumentParser) -> None:
    options.add_argument("--dry-run", action="store_true", help="help.dry_run")
    options.add_argument("--remove", action="store_true", help="help.remove")
    kind = options.add_mutually_exclusive_group()
    kind.add_argument("--systemd", action="store_true", help="help.systemd")
    kind.add_argument("--launchd", action="store_true", help="help.launchd")


def _place(word: str) -> str:
    """An absolute path from an option. A path that is empty (an unset variable?) would silently mean the default."""
    if not word:
        raise WrongValue(phrase("arguments.empty_path"))
    try:
        return str(Path(word).expanduser().absolute())
    except (OSError, RuntimeError) as error:  # the folder where we stand is gone, or nobody has that home
        raise WrongValue(phrase("arguments.lost_path", path=word, why=str(error))) from None


def _seconds(word: str) -> float:
    """A duration such as 90s, 15m, 1h or 7d, in seconds."""
    found = re.fullmatch(r"(\d{1,9}(?:\.\d{1,9})?)([smhd])", word.strip().lower())
    if found is None:
        raise WrongValue(phrase("arguments.duration", value=word))
    return min(float(found[1]) * {"s": 1, "m": 60, "h": 3600, "d": 86400}[found[2]], LONGEST_S)


def _instant(word: str) -> float:
    """A Unix time from a duration that ends now, or from a local date with or without a time."""
    try:
        return datetime.fromisoformat(word.strip()).timestamp()
    except (ValueError, OverflowError):
        pass
    try:
        return time.time() - _seconds(word)
    except WrongValue:
        raise WrongValue(phrase("arguments.instant", value=word)) from None


def _between(least: int, most: int) -> Callable[[str], int]:
    """A reader of whole numbers from LEAST to MOST."""

    def read(word: str) -> int:
        if not word.isdecimal() or not least <= int(word[:9]) <= most:
            raise WrongValue(phrase("arguments.whole", value=word, least=least, most=most))
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
