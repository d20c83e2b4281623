"""The commands and their options, as data: daemon.cli.quick reads plain arguments by it, daemon.cli.parser all others.

An option is its `word` and what argparse's `add_argument` takes; help texts are names of phrases. Of options with the
same `apart` only one may be given.
"""

from __future__ import annotations

from daemon import TYPE_CHECKING
from daemon.cli.values import between, instant, place, seconds

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    Option = Mapping[str, Any]

FORMATS = ("curl", "httpie", "python", "har", "elisp")
GROUPS = ("day", "model", "client", "host", "key")
"""As in daemon.usage.sums, for the same reason."""

PRIORITIES = ("interactive", "normal", "batch")
"""As in daemon.model, for the same reason."""

SHELLS = ("posix", "powershell", "cmd")
"""As in daemon.curl.forms (a test holds them equal), which would cost each command its import."""

VALUED = ("--socket", "--config", "--state-dir", "--log-level", "--language")
"""Options that may stand before the command, and take a value."""

EVERYWHERE: tuple[Option, ...] = (
    {"word": "--socket", "metavar": "PATH", "type": place, "help": "help.socket"},
    {"word": "--config", "metavar": "FILE", "type": place, "help": "help.config"},
    {"word": "--state-dir", "metavar": "DIR", "type": place, "help": "help.state_dir"},
    {"word": "--language", "metavar": "L", "help": "help.language"},
)
"""Options that each command takes; each also by environment."""

_LEVELS = ("debug", "info", "warning", "error")
_CALL: Option = {"word": "call", "metavar": "ID", "help": "help.call"}
_OPEN: Option = {"word": "call", "metavar": "ID", "help": "help.open_call"}
_JSON: Option = {"word": "--json", "action": "store_true", "help": "help.json"}
_FILTERS: tuple[Option, ...] = (
    {"word": "--failed", "action": "store_true", "help": "help.failed"},
    {"word": "--since", "type": seconds, "metavar": "1h", "help": "help.since"},
    {"word": "--model", "metavar": "M", "help": "help.model"},
    {"word": "--client", "metavar": "C", "help": "help.client"},
    {"word": "--subtype", "metavar": "S", "help": "help.subtype"},
)

COMMANDS: Mapping[str, tuple[Option, ...]] = {
    "serve": (
        {"word": "--log-level", "choices": _LEVELS, "help": "help.log_level"},
        {"word": "--sandbox", "action": "store_true", "help": "help.sandbox"},
        {"word": "--replace", "action": "store_true", "help": "help.replace"},
    ),
    "status": (_JSON,),
    "calls": (
        {"word": "call", "metavar": "ID", "nargs": "?", "help": "help.one_call"},
        *_FILTERS,
        {"word": "--limit", "type": between(1, 10_000), "default": 30, "metavar": "N", "help": "help.limit"},
        {"word": "--follow", "action": "store_true", "help": "help.follow"},
        {"word": "--json", "action": "store_true", "help": "help.json_lines"},
    ),
    "export": (
        {"word": "file", "metavar": "FILE|-", "nargs": "?", "default": "-", "help": "help.export_file"},
        {"word": "--format", "choices": ("jsonl", "har"), "help": "help.export_format"},
        *_FILTERS,
        {"word": "--no-bodies", "dest": "bodies", "action": "store_false", "help": "help.no_bodies"},
        {"word": "--yes", "action": "store_true", "help": "help.yes_export"},
    ),
    "usage": (
        {"word": "--by", "choices": GROUPS, "default": "model", "help": "help.by"},
        {"word": "--since", "type": seconds, "default": 7 * 86400.0, "metavar": "7d", "help": "help.days"},
        _JSON,
    ),
    "curl": (
        _CALL,
        {"word": "--via-daemon", "action": "store_true", "help": "help.through_socket"},
        {"word": "--format", "choices": FORMATS, "default": "curl", "help": "help.format"},
        {"word": "--shell", "choices": SHELLS, "default": "posix", "help": "help.shell"},
    ),
    "replay": (
        _CALL,
        {"word": "--direct", "apart": "way", "action": "store_true", "help": "help.direct"},
        {"word": "--via-daemon", "apart": "way", "action": "store_true", "help": "help.via_daemon"},
        {"word": "-n", "dest": "times", "type": between(1, 100), "default": 1, "metavar": "N", "help": "help.times"},
        {"word": "--yes", "action": "store_true", "help": "help.yes"},
        _JSON,
    ),
    "cancel": (_OPEN, _JSON),
    "promote": (
        _OPEN,
        {"word": "--priority", "choices": PRIORITIES, "default": "interactive", "help": "help.priority"},
        _JSON,
    ),
    "forget": (
        {"word": "calls", "metavar": "ID", "nargs": "*", "help": "help.call"},
        {"word": "--before", "type": instant, "metavar": "7d|DATE", "help": "help.before"},
        {"word": "--all", "action": "store_true", "help": "help.all"},
        {"word": "--bodies", "action": "store_true", "help": "help.only_bodies"},
        {"word": "--yes", "action": "store_true", "help": "help.yes_forget"},
        _JSON,
    ),
    "explain": (
        {"word": "source", "apart": "what", "metavar": "FILE|-|ID", "nargs": "?", "default": "-",
         "help": "help.source"},
        {"word": "--text", "apart": "what", "help": "help.text"},
        {"word": "--jsonl", "apart": "what", "metavar": "FILE", "help": "help.jsonl"},
        {"word": "--list", "apart": "what", "action": "store_true", "help": "help.list"},
        {"word": "--provider", "metavar": "NAME", "help": "help.provider"},
        {"word": "--status", "type": between(100, 999), "metavar": "N", "help": "help.status"},
        _JSON,
        {"word": "--why", "action": "store_true", "help": "help.why"},
    ),
    "report": (_CALL,),
    "cache": ({"word": "--clear", "action": "store_true", "help": "help.clear"}, _JSON),
    "reload": (_JSON,),
    "check": ({"word": "--provider", "metavar": "NAME", "help": "help.check_provider"},),
    "install-service": (
        {"word": "--dry-run", "action": "store_true", "help": "help.dry_run"},
        {"word": "--remove", "action": "store_true", "help": "help.remove"},
        {"word": "--systemd", "apart": "kind", "action": "store_true", "help": "help.systemd"},
        {"word": "--launchd", "apart": "kind", "action": "store_true", "help": "help.launchd"},
    ),
    "socket": (),
    "completion": (
        {"word": "what", "choices": ("bash", "zsh", "fish", "calls", "open"), "help": "help.completion"},
    ),
    "demo": (),
    "stop": (),
}  # fmt: skip


def name_of(option: Option) -> str:
    """Under which name its value is found."""
    return str(option.get("dest") or option["word"].lstrip("-").replace("-", "_"))


def default_of(option: Option) -> Any:
    """The value when it is not given."""
    if option.get("nargs") == "*":
        return []
    flags = {"store_true": False, "store_false": True}
    return flags.get(option.get("action", ""), option.get("default"))
