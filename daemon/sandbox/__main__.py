"""`python -m daemon.sandbox`: the simulated provider as a process. Prints its URL; ends on SIGTERM or Ctrl-C."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import re
import signal
import sys
from collections.abc import Sequence
from typing import Any

from daemon.arguments import Parser, WrongValue
from daemon.errors import ConfigError
from daemon.phrases import language_by, phrase, told
from daemon.sandbox import Sandbox, SandboxSettings
from daemon.sandbox.settings import QUIRKS, SHAPES

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_CHOICES = {"shape": SHAPES, "header_quirk": QUIRKS}


def seconds(text: str) -> float:
    """Read a duration: `6s`, `200ms`, `1m`, or plain seconds. Raises WrongValue."""
    found = re.fullmatch(r"([\d.]+)(ms|s|m|h)?", text)
    if not found:
        raise WrongValue(phrase("sandbox.duration", value=text))
    return float(found[1]) * _UNITS[found[2] or "s"]


def number(text: str) -> float | None:
    """Read a number, or `none` for no limit. Raises ValueError."""
    value = None if text == "none" else float(text)
    return int(value) if value is not None and value.is_integer() else value


def rates(text: str) -> dict[int, float]:
    """Read `503:0.05,500:0.03`. Raises ValueError."""
    pairs = (pair.split(":", 1) for pair in text.split(",") if pair)
    return {int(status): float(rate) for status, rate in pairs}


def parser() -> Parser:
    """One flag for each setting, and where to listen."""
    out = Parser(prog="python -m daemon.sandbox", description="sandbox.about", spoken=_language)
    out.add_argument("--host", default="127.0.0.1", help="sandbox.host")
    out.add_argument("--port", type=int, default=0, help="sandbox.port")
    out.add_argument("--path", help="sandbox.path")
    defaults = SandboxSettings()
    for name in SandboxSettings.names():
        default = getattr(defaults, name)
        flag = "--" + (name.removesuffix("_s") if name.endswith("_s") else name).replace("_", "-")
        more: dict[str, Any] = {
            "dest": name,
            "default": argparse.SUPPRESS,
            "help": phrase("sandbox.default", value=str(default)),
        }
        if isinstance(default, bool):
            more["action"] = argparse.BooleanOptionalAction
        elif name in _CHOICES:
            more["choices"] = _CHOICES[name]
        else:
            more["type"] = seconds if name.endswith("_s") else rates if name == "faults" else number
        out.add_argument(flag, **more)
    return out


def _language() -> str:
    return language_by(os.environ)


async def serve(sandbox: Sandbox, host: str, port: int, path: str | None) -> None:
    """Listen, print the URL, and stay until a signal."""
    done = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, done.set)
    url = await sandbox.start(host, port, path)
    print(url, flush=True)
    try:
        await done.wait()
    finally:
        await sandbox.stop()


def main(argv: Sequence[str] | None = None) -> int:
    """Run; returns the exit status."""
    arguments = vars(parser().parse_args(argv))
    host, port, path = (arguments.pop(name) for name in ("host", "port", "path"))
    try:
        sandbox = Sandbox(SandboxSettings(**arguments))
        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(serve(sandbox, host, port, path))
    except (ValueError, OSError, ConfigError) as error:
        print(f"sandbox: {told(error.args[0], _language())}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
