"""Arguments in, exit code out. Each command imports only what it uses."""

from __future__ import annotations

import sys
import time

from daemon import TYPE_CHECKING
from daemon.cli import codes, terminal
from daemon.cli.asking import ask_or_read, socket_of
from daemon.cli.language import chosen, heard
from daemon.cli.options import arranged, environment, folders, paths, program
from daemon.cli.quick import quick
from daemon.cli.terminal import columns, say, say_json, say_text
from daemon.errors import Refusal
from daemon.phrases import languages, phrase, spoken

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any


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
        return codes.FAILED
    except BrokenPipeError:  # the reader of our output left, as `| head` does
        terminal.forget_output()
        return codes.FAILED
    except KeyboardInterrupt:
        return codes.INTERRUPTED


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
    from daemon.cli import serving

    return serving.run(options)


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
    return codes.OK


def calls(options: Namespace) -> int:
    """The newest calls, or one."""
    from daemon.cli import listing

    listing.run(options)
    return codes.OK


def export(options: Namespace) -> int:
    """Calls for other programs."""
    from daemon.cli import export as exporting
    from daemon.cli.listing import filters

    asked = filters(options)
    asked.pop("limit")
    exporting.run(options, asked)
    return codes.OK


def usage(options: Namespace) -> int:
    """Tokens, calls and cost, added up."""
    from daemon.cli.usage import usage_text

    language = chosen(options)
    wanted = {"by": options.by, "since_s": options.since, "language": language}
    answer = ask_or_read(options, "usage", wanted)
    if options.json:
        say_json([answer])
    else:
        say(usage_text(answer, language, columns()))
    return codes.OK


def curl(options: Namespace) -> int:
    """The curl command of a call."""
    wanted = {"call": options.call, "via_daemon": options.via_daemon, "format": options.format, "shell": options.shell}
    answer = ask_or_read(options, "curl", {**wanted, "language": chosen(options)})
    terminal.speak_utf8()
    say(answer["command"].split("\n"))
    return codes.OK


def replay(options: Namespace) -> int:
    """Send a call again, and compare."""
    from daemon.cli import replay as replaying

    return (
        codes.OK if replaying.run(options, lambda name: ask_or_read(options, "show", {"call": name})) else codes.FAILED
    )


def act(options: Namespace) -> int:
    """Cancel a call, give it another priority, read the configuration again."""
    from daemon.cli import acting

    acting.run(options)
    return codes.OK


def forget(options: Namespace) -> int:
    """Delete calls for good."""
    from daemon.cli import forget as forgetting

    forgetting.run(options)
    return codes.OK


def explain(options: Namespace) -> int:
    """Explain a call, a text, or many."""
    from daemon.cli import explaining

    if options.list:
        explaining.listing(options)
    elif options.jsonl is not None:
        return codes.FAILED if explaining.many(options) else codes.OK
    elif options.text is None and explaining.is_call(options.source):
        explaining.call(options, lambda params: ask_or_read(options, "explain", params))
    else:
        explaining.one(options)
    return codes.OK


def report(options: Namespace) -> int:
    """A failed call as text for a provider's support."""
    answer = ask_or_read(options, "report", {"call": options.call, "language": options.language})
    if (language := chosen(options)) != "en" and not options.language:
        terminal.complain(phrase("ready.report", language=language).told(language))
    terminal.speak_utf8()
    say(answer["text"].split("\n")[:-1])
    return codes.OK


def cache(options: Namespace) -> int:
    """The answers that are kept."""
    from daemon.cli.client import ask
    from daemon.cli.show import cache_text

    answer = ask(folders(options), "cache", {"clear": True} if options.clear else {})
    if options.json:
        say_json([answer])
    else:
        say_text(cache_text(answer, chosen(options)))
    return codes.OK


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
    return codes.FAILED if any(one.state == "bad" for one in checks) else codes.OK


def install_service(options: Namespace) -> int:
    """Write the files by which the system starts the daemon."""
    from daemon.cli import units

    units.run(options)
    return codes.OK


def socket(options: Namespace) -> int:
    """Where the daemon is, for other programs."""
    say([socket_of(options)])
    return codes.OK


def completion(options: Namespace) -> int:
    """What a shell offers at Tab."""
    if options.what in ("calls", "open"):
        from daemon.cli.tab import names

        names.run(options)
    else:
        from daemon.cli.tab import scripts

        scripts.run(options)
    return codes.OK


def demo(options: Namespace) -> int:
    """Show it."""
    from daemon.cli import demo as showing

    return showing.run(chosen(options))


def stop(options: Namespace) -> int:
    """Stop the daemon."""
    from daemon.cli import acting

    acting.stop(options)
    return codes.OK


COMMANDS: Mapping[str, Callable[[Namespace], int]] = {
    "serve": serve,
    "status": status,
    "calls": calls,
    "export": export,
    "usage": usage,
    "curl": curl,
    "replay": replay,
    "cancel": act,
    "promote": act,
    "forget": forget,
    "explain": explain,
    "report": report,
    "cache": cache,
    "reload": act,
    "check": check,
    "install-service": install_service,
    "socket": socket,
    "completion": completion,
    "demo": demo,
    "stop": stop,
}
