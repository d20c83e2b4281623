"""What the daemon prints when it is ready: its address and, with the sandbox, three lines to paste."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from shlex import quote

from daemon.cli.safe import safe
from daemon.columns import folded
from daemon.phrases import phrase

_BODY = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hello"}]}
_ERROR = "((HTTP/1.1 429 Too Many Requests) insufficient_quota) You exceeded your current quota"


def ready_lines(socket: Path, *, sandbox: bool, language: str = "en", most: int | None = None) -> list[str]:
    """The line that says that we are ready and, in sandbox mode, what to try, on a terminal of MOST columns. A command
    is one line, so that it can be pasted."""
    lines = [f"sluice ready: unix:{safe(socket)}"]
    if sandbox:
        lines += [
            "",
            *folded(phrase("ready.sandbox").told(language), most),
            *folded(phrase("ready.paste").told(language), most),
            "",
            curl_line(socket),
            "",
            emacs_line(socket),
            "",
            f"{program()} explain --text {quote(_ERROR)}",
        ]
    return lines


def curl_line(socket: Path) -> str:
    """A chat call through SOCKET."""
    body = json.dumps(_BODY, separators=(",", ":"))
    url = "http://api.openai.com/v1/chat/completions"
    return f"curl --unix-socket {quote(str(socket))} {url} -H 'Content-Type: application/json' -d {quote(body)}"


def emacs_line(socket: Path) -> str:
    """gptel through SOCKET; with the elisp of this checkout, or what Emacs has installed."""
    elisp = Path(__file__).absolute().parents[2] / "elisp"
    load = f"-L {quote(str(elisp))} " if elisp.is_dir() else ""
    lisp = (
        f"(progn (require (quote sluice-gptel)) (setq sluice-socket {lisp_string(str(socket))} "
        'gptel-api-key "sandbox") (sluice-gptel-mode 1) (switch-to-buffer (gptel "*Sluice*")))'
    )
    return f"emacs {load}--eval {quote(lisp)}"


def lisp_string(text: str) -> str:
    """TEXT as Emacs Lisp reads it."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def program() -> str:
    """How to run this command line from anywhere. Beside Python we are `sluice`: a `daemon` there may be another's."""
    started, beside = Path(sys.argv[0]).absolute(), Path(sys.executable).with_name("sluice")
    if started.name in ("daemon", "sluice") and started.is_file():
        return quote(str(started))
    return quote(str(beside)) if beside.is_file() else f"{quote(sys.executable)} -m daemon"
