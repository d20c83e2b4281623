#!/usr/bin/env python3
"""Makes the pictures of README.md and the manual from the real thing: a terminal (tmux), `daemon demo`, and Emacs.

    .venv/bin/python doc/pictures/make.py            all of them
    .venv/bin/python doc/pictures/make.py emacs      one of them

Each picture says what it needs when that is missing. None needs a key or a network: the sandbox provider answers.
Everything runs in a home of its own that is removed at the end.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from screen import Window, svg

from daemon.journal import Journal
from daemon.model import Ask, Call, Event, Origin, Scope, Usage
from daemon.redact import Redactor, Sealed
from stage import ROOT, WIDTH, Display, Terminal, daemon, gptel, graphical_emacs, provider, surroundings

HERE = Path(__file__).resolve().parent

INIT = """\
(setq inhibit-startup-screen t initial-scratch-message nil visible-bell nil
      frame-background-mode 'light auth-sources nil)
(menu-bar-mode -1)
(blink-cursor-mode -1)
(add-to-list 'load-path "{elisp}")
(load "gptel-autoloads")
(require 'gptel)
(setq gptel-model 'gpt-4o-mini
      gptel-backend (gptel-make-openai "ChatGPT" :key "sandbox" :stream t :models '(gpt-4o-mini)))
(require 'sluice-gptel)
(sluice-gptel-mode 1)
(global-set-key (kbd "C-c g") sluice-command-map)
"""
"""What README.md tells a user to write, around gptel as it is."""

CHAT = '(switch-to-buffer (gptel "*ChatGPT*"))\n'

SHEET = """\
(when (fboundp 'tool-bar-mode) (tool-bar-mode -1) (scroll-bar-mode -1))
(set-frame-parameter nil 'internal-border-width 8)
(set-face-attribute 'default nil :family "DejaVu Sans Mono" :height 110)
"""
"""For the graphical frame."""


def demo(folder: Path) -> str:
    """`daemon demo`: the burst, and the first failure with the beginning of its explanation."""
    environment = surroundings(folder)
    with contextlib.closing(Terminal(folder, 300, ["bash", "--norc"], environment | {"PS1": "$ "})) as terminal:
        terminal.until(r"\$")
        terminal.type("daemon demo")
        terminal.press("Enter")
        shown = terminal.until("README.md says how")
        plain = terminal.lines()
    end = next(i for i, line in enumerate(plain) if "What it is not" in line)
    about = "A terminal: of 30 calls at once against 10 a minute all are answered; then a failure is explained"
    return svg([Window("a terminal", trimmed(shown[:end]))], WIDTH, about)


def emacs(folder: Path) -> str:
    """gptel in Emacs: the one line of a failure, and what `C-c g e` shows."""
    with emacs_in_terminal(folder, 14, CHAT, "--quota-after", "1") as terminal:
        windows = list(conversation(terminal))
    about = "Emacs with gptel: the line in the echo area says that credit is missing; a key shows the whole explanation"
    return svg(windows, WIDTH, about)


def conversation(terminal: Terminal) -> Iterator[Window]:
    """One prompt that is answered, one that fails, and the explanation."""
    terminal.until("ChatGPT")
    terminal.type("Hello")
    terminal.press("C-c", "Enter")
    terminal.until(r"You said: Hello[\s\S]*###")
    terminal.press("M->", "BSpace")
    terminal.type("Write a haiku about rate limits")
    terminal.press("C-c", "Enter")
    yield Window("Emacs, after C-c RET", terminal.until("Waiting will not help"))
    terminal.resize(34)
    terminal.press("C-c", "g", "e")
    terminal.until("What happened")
    terminal.press("C-x", "1")
    yield Window("Emacs, after C-c g e", trimmed(terminal.until("How (I|we) know")))


def waiting(folder: Path) -> str:
    """gptel in Emacs while its call waits for a limit, and the list of what waits."""
    with emacs_in_terminal(
        folder, 14, CHAT, "--requests-per-minute", "4", "--shape", "fixed", "--no-aligned"
    ) as terminal:
        terminal.until("ChatGPT")
        others(folder, 7)
        terminal.type("Which word rhymes with quota?")
        terminal.press("C-c", "Enter")
        windows = [Window("Emacs with gptel, while a call waits", terminal.until_found(r"in line"))]
        terminal.press("C-c", "g", "q")
        terminal.until_found(r"Waits for[\s\S]*used up")
        terminal.press("C-x", "1")
        windows.append(Window("Emacs, after C-c g q", terminal.until_found(r"used up")))
    about = (
        "Emacs with gptel: at the prompt stands the place in the queue, the time, and what is used up; then the queue"
    )
    return svg(windows, WIDTH, about)


def others(folder: Path, number: int, model: str = "gpt-4o-mini") -> None:
    """So many calls of a script in the background, which use up the minute."""
    socket = folder / "run" / "sluice" / "sluice.sock"
    body = f'{{"model": "{model}", "messages": [{{"role": "user", "content": "Sort my notes by topic"}}]}}'
    for _ in range(number):
        subprocess.Popen(  # noqa: S603
            [  # noqa: S607
                "curl", "-sS", "--unix-socket", str(socket), "http://api.openai.com/v1/chat/completions",
                "-H", "Authorization: Bearer sandbox", "-H", "X-Sluice-Client: notes", "-d", body,
            ],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip


def limits(folder: Path) -> bytes:
    """The dashboard of limits in a graphical frame."""
    environment = surroundings(folder)
    options = ("--requests-per-minute", "20", "--tokens-per-minute", "3000", "--per-model")
    with provider(folder, environment, *options) as url, daemon(folder, environment, url):
        others(folder, 14)
        others(folder, 19, "gpt-4.1")
        init = folder / "init.el"
        shown = '(sluice-limits)\n(delete-other-windows (get-buffer-window "*Sluice limits*"))\n'
        init.write_text(INIT.format(elisp=ROOT / "elisp") + SHEET + shown + QUIET, encoding="utf-8")
        search = [part for path in gptel() for part in ("-L", path)]
        with Display(folder, environment) as display:
            display.start([graphical_emacs(), "-Q", "-g", "104x16", *search, "-l", str(init)])
            return display.shot()


def usage(folder: Path) -> bytes:
    """What was used, in a graphical frame: a journal of three weeks, written by the journal itself."""
    environment = surroundings(folder)
    weeks(folder / "state")
    environment |= {"SLUICE_STATE_DIR": str(folder / "state")}
    with provider(folder, environment) as url, daemon(folder, environment, url, MONEY):
        init = folder / "init.el"
        shown = '(sluice-usage)\n(delete-other-windows (get-buffer-window "*Sluice usage*"))\n'
        init.write_text(INIT.format(elisp=ROOT / "elisp") + SHEET + shown + QUIET, encoding="utf-8")
        search = [part for path in gptel() for part in ("-L", path)]
        with Display(folder, environment) as display:
            display.start([graphical_emacs(), "-Q", "-g", "104x27", *search, "-l", str(init)])
            return display.shot()


MONEY = """
prices:
- {model: "gpt-4o-mini*", input: 0.15, output: 0.60, since: 2026-01-01}
- {model: "gpt-4.1*", input: 2.00, output: 8.00, since: 2026-01-01}
budgets:
- {per: month, cost: 20}
- {per: day, tokens: 500000}
"""

QUIET = "(run-at-time 1 nil #'message nil)\n"


def weeks(folder: Path) -> None:
    """A journal with a ledger of the last three weeks, more on working days than at the end of a week."""
    folder.mkdir(mode=0o700)
    journal = Journal(folder, redactor=Redactor(b"picture"))
    journal.start()
    now = time.time()
    for back in range(20, -1, -1):
        at = now - back * 86400.0
        busy = 1.0 if time.localtime(at).tm_wday < 5 else 0.15
        for number, (model, client, tokens) in enumerate(DAY):
            size = int(busy * tokens * (1 + (back * 7 + number * 3) % 5) / 3)
            for event in ended(f"p{back}-{number}", model, client, at, size):
                journal.record(event)
    journal.close()


DAY = (("gpt-4o-mini", "emacs-gptel", 90_000), ("gpt-4.1", "emacs-gptel", 40_000), ("gpt-4o-mini", "notes", 60_000))


def ended(name: str, model: str, client: str, at: float, tokens: int) -> Iterator[Event]:
    """A call that went well."""
    origin = Origin("api.openai.com", "https://api.openai.com", "openai")
    call = Call(
        id=name, origin=origin, scope=Scope(origin.host, "key:7f3a", model), method="POST", target=Sealed("/"),
        headers=(), body=b"", ask=Ask(kind="chat", model=model), client=client, arrived_at=at,
    )  # fmt: skip
    yield Event("queued", call, at)
    yield Event("sent", call, at, 1)
    spent = Usage(input=tokens * 4 // 5, output=tokens // 5)
    yield Event("done", call, at, 1, status=200, usage=spent, final=True)


@contextlib.contextmanager
def emacs_in_terminal(folder: Path, rows: int, more: str, *options: str) -> Iterator[Terminal]:
    """Emacs with gptel and Sluice before a sandbox provider with OPTIONS; MORE elisp at the end of its init file."""
    environment = surroundings(folder)
    with provider(folder, environment, *options) as url, daemon(folder, environment, url):
        init = folder / "init.el"
        init.write_text(INIT.format(elisp=ROOT / "elisp") + more, encoding="utf-8")
        search = [part for path in gptel() for part in ("-L", path)]
        command = ["env", "TERM=xterm-256color", "COLORTERM=truecolor", "emacs", "-nw", "-Q", *search, "-l", str(init)]
        with contextlib.closing(Terminal(folder, rows, command, environment)) as terminal:
            yield terminal


def trimmed(lines: Sequence[str]) -> list[str]:
    """Without empty lines at the end."""
    kept = list(lines)
    while kept and not re.sub(r"\x1b\[[\d;]*m", "", kept[-1]).strip():
        kept.pop()
    return kept


PICTURES: dict[str, tuple[Callable[[Path], str | bytes], tuple[str, ...]]] = {
    "demo.svg": (demo, ("tmux",)),
    "emacs.svg": (emacs, ("tmux", "emacs")),
    "waiting.svg": (waiting, ("tmux", "emacs", "curl")),
    "usage.png": (usage, ("Xvfb", "import", "xdotool")),
    "limits.png": (limits, ("Xvfb", "import", "xdotool", "curl")),
}
"""File, how it is made, and the programs that this needs."""


def main(names: Sequence[str]) -> None:
    """Make the pictures NAMES, with or without their endings, or all."""
    for file, (make, programs) in PICTURES.items():
        if names and not {file, file.partition(".")[0]} & set(names):
            continue
        missing = [program for program in programs if shutil.which(program) is None]
        if missing:
            raise SystemExit(f"for the picture {file}, install: {' '.join(missing)}")
        with tempfile.TemporaryDirectory(prefix="slp") as folder:
            made = make(Path(folder))
        (HERE / file).write_bytes(made.encode() if isinstance(made, str) else made)
        print(f"made doc/pictures/{file}")


if __name__ == "__main__":
    os.environ.pop("DISPLAY", None)
    main(sys.argv[1:])
