"""A real Emacs in batch mode that does what a test tells it, form by form.

`Emacs("(+ 1 2)")` is 3. One Emacs can serve many scenes, as a person's does: it stays alive and handles its events
between the forms. Its other half is e2e/gptel/wire.el.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from stage.canary import Canary

ROOT = Path(__file__).resolve().parents[2]
WIRE = ROOT / "tests" / "e2e" / "gptel" / "wire.el"
INSTALL = "install it with: .ci/install-emacs.sh"

START_S = 40.0
ANSWER_S = 45.0
"""How long one form may take. A machine that is busy was seen to need 10 s for a start that takes 1."""


def command_of(major: int) -> str | None:
    """The command of Emacs 28 or 30 that .ci/env.sh has found, or None."""
    return os.environ.get(f"SLUICE_EMACS_{major}")


def gptel_path() -> list[str]:
    """The load-path of gptel that .ci/env.sh has found, or nothing."""
    return [part for part in os.environ.get("SLUICE_GPTEL_PATH", "").split(os.pathsep) if part]


class EmacsError(AssertionError):
    """A form signalled an error, or Emacs is gone."""


class Emacs:
    """A running Emacs with a home of its own. What it prints and answers is searched for keys."""

    def __init__(
        self, command: str, folder: Path, canary: Canary, *, load: Iterable[Path | str] = (),
        path: Iterable[str] = (), env: Mapping[str, str] | None = None,
    ) -> None:  # fmt: skip
        self.home = folder
        self._canary = canary
        self._short = Path(tempfile.mkdtemp(prefix="slu"))
        canary.watch(folder)
        with socket.socket(socket.AF_UNIX) as door:
            door.bind(str(self._short / "wire"))
            door.listen(1)
            door.settimeout(START_S)
            self._process = self._start(command, [*map(str, load)], [*path, str(ROOT / "elisp")], env or {})
            try:
                self._wire, _ = door.accept()
            except TimeoutError:
                self.close()
                raise EmacsError(f"Emacs did not begin; it printed:\n{self.printed}") from None
        self._wire.settimeout(ANSWER_S)
        self._lines = self._wire.makefile("r", encoding="utf-8", newline="\n")

    def _start(self, command: str, load: list[str], path: list[str], env: Mapping[str, str]) -> subprocess.Popen[bytes]:
        search = [part for directory in path for part in ("-L", directory)]
        files = [part for file in [*load, str(WIRE)] for part in ("-l", file)]
        environment = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH") if name in os.environ}
        environment |= {"HOME": str(self.home), "LC_ALL": "C.UTF-8", "WIRE_SOCKET": str(self._short / "wire"), **env}
        with (self.home / "printed.txt").open("ab") as printed:
            return subprocess.Popen(
                [command, "-Q", "--batch", *search, *files], env=environment, cwd=self.home,
                stdin=subprocess.DEVNULL, stdout=printed, stderr=subprocess.STDOUT,
            )  # fmt: skip

    def __call__(self, form: str) -> Any:
        """Return the value of FORM as JSON knows it: nil is None, a plist a dict, another list a list.

        Raises EmacsError.
        """
        try:
            self._wire.sendall(json.dumps({"form": form}).encode() + b"\n")
            line = self._lines.readline()
        except OSError:  # a TimeoutError is one too
            line = ""
            self._process.kill()
        if not line:
            raise EmacsError(f"Emacs has gone or hangs in {form}; it printed:\n{self.printed[-4000:]}")
        self._canary.see("an answer of Emacs", line)
        answer = json.loads(line)
        if "error" in answer:
            raise EmacsError(f"{form}: {answer['error']}")
        return answer["value"]

    @property
    def printed(self) -> str:
        """All that it has printed: messages too, as Emacs in batch mode does."""
        return (self.home / "printed.txt").read_text(encoding="utf-8", errors="replace")

    @property
    def alive(self) -> bool:
        """True while it can take a form."""
        return self._process.poll() is None

    def close(self) -> None:
        """End it. Safe to do twice."""
        if hasattr(self, "_wire"):
            self._lines.close()
            self._wire.close()
        try:
            self._process.wait(10 if hasattr(self, "_wire") else 0)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        shutil.rmtree(self._short, ignore_errors=True)


def quoted(text: str) -> str:
    """TEXT as an Emacs Lisp string."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
