"""What a command loads: nothing that it does not use. Modules are counted, not milliseconds, so no load disturbs it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]

HEAVY = frozenset({
    "argparse", "asyncio", "aiohttp", "yaml", "sqlite3", "typing", "dataclasses", "inspect", "pathlib", "socket",
    "selectors", "hashlib", "urllib", "shutil", "subprocess", "datetime", "contextlib", "unicodedata", "zlib",
    "logging", "textwrap", "tempfile", "locale", "daemon.model", "daemon.redact", "daemon.app", "daemon.pacing",
    "daemon.explain",
    "daemon.journal", "daemon.curl", "daemon.operations", "daemon.config.places", "daemon.config.file",
    "daemon.arguments",
})  # fmt: skip
"""What would take a command that asks the daemon, or one that prints, longer than all else that it does."""

MOST = 85
"""Modules altogether, of which Python itself has loaded half before our first line."""

BESIDE_SERVING = frozenset({
    "aiohttp", "yaml", "platformdirs", "statistics", "decimal", "fractions", "zoneinfo", "difflib", "daemon.arguments",
    "daemon.cli.parser", "daemon.cli.show", "daemon.cli.offline", "daemon.sandbox", "daemon.explain.teach",
    "daemon.explain.report", "daemon.curl.command", "daemon.curl.forms", "daemon.curl.har", "shutil",
})  # fmt: skip
"""What a daemon without a configuration has no use for before its first answer."""

ANSWERS: dict[str, Any] = {
    "status": {
        "daemon": {"version": "1", "pid": 7, "socket": "/s", "running": 1, "started_at": 1.0},
        "pools": [{"host": "h", "group": "m", "words": "idle", "dims": [
            {"dimension": "requests", "period": "minute", "used": 1.0, "limit": 2.0, "source": "header"}]}],
        "queue": [], "journal": {"state": "ok"},
    },
    "explain": {"text": "No credit left\n"},
    "curl": {"command": "curl x"},
    "calls": {"calls": [{"id": "c1", "started_at": 1.0, "model": "m", "state": "done", "status": 200}]},
    "usage": {"rows": [], "total": {}, "by": "model", "since": 1.0, "currency": "", "prices_of": None, "budgets": []},
}  # fmt: skip


class Answering:
    """A daemon that says what stands in ANSWERS."""

    def __init__(self, path: Path) -> None:
        self._server = socket.socket(socket.AF_UNIX)
        self._server.bind(str(path))
        self._server.listen()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                sock, _ = self._server.accept()
            except OSError:
                return
            with sock, sock.makefile("rb") as lines:
                asked = json.loads(lines.readline())
                answer = {"jsonrpc": "2.0", "id": asked["id"], "result": ANSWERS[asked["method"]]}
                sock.sendall(json.dumps(answer).encode() + b"\n")

    def close(self) -> None:
        """Take nobody more."""
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._thread.join(5)


@pytest.fixture
def answering(home: Path) -> Iterator[Path]:
    """The home of somebody whose daemon answers."""
    daemon = Answering(home / "s")
    yield home
    daemon.close()


def loaded(home: Path, *arguments: str) -> set[str]:
    """The modules that are loaded when the command has ended well, in a Python without this installation's finders."""
    code = (
        "import sys; from daemon.cli import main; code = main(); print(*sys.modules, file=sys.stderr); sys.exit(code)"
    )
    environ = {
        "HOME": str(home), "LANG": "C.UTF-8", "PYTHONPATH": str(ROOT), "SLUICE_SOCKET": str(home / "s"),
        "SLUICE_STATE_DIR": str(home / "state"), "SLUICE_CONFIG": str(home / "config.yaml"), "PATH": os.defpath,
    }  # fmt: skip
    command = [sys.executable, "-S", "-c", code, *arguments]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False, cwd=home)
    assert done.returncode == 0, done.stderr
    assert done.stdout
    return set(done.stderr.split())


COMMANDS = [["status"], ["explain", "last-failed"], ["curl", "last-failed"], ["calls"], ["status", "--json"]]


@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_who_only_asks_loads_little(answering: Path, arguments: list[str]) -> None:
    """No network library, no YAML, no argparse, none of the rooms in which the daemon works."""
    found = loaded(answering, *arguments)
    assert "daemon.cli.client" in found
    assert sorted(HEAVY & found) == []
    assert len(found) < MOST, sorted(found)


@pytest.mark.parametrize("language", ["ko", "zh"])
def test_nor_in_another_language(answering: Path, language: str) -> None:
    """Words of other languages are loaded as quickly, and the setting is found without a parser. Only to align wide
    letters the table of them is needed."""
    (answering / "config.yaml").write_text(f"language: {language}\n")
    assert not (HEAVY - {"unicodedata"}) & loaded(answering, "status")


def test_a_start_loads_what_the_first_answer_needs(home: Path) -> None:
    """Without a configuration nothing is parsed, and what is for slips and for other commands stays on disk."""
    (home / "config.yaml").unlink()
    code = """
import os, signal, sys
from daemon.cli import main, terminal

def ready(lines):
    print(*sys.modules, flush=True)
    os.kill(os.getpid(), signal.SIGTERM)

terminal.announce = ready
sys.exit(main(["serve"]))
"""
    environ = {"HOME": str(home), "LANG": "ko_KR.UTF-8", "PYTHONPATH": str(ROOT), "SLUICE_SOCKET": str(home / "s"),
               "SLUICE_STATE_DIR": str(home / "state"), "PATH": os.defpath}  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=False, cwd=home, timeout=60
    )
    assert done.returncode == 0, done.stderr
    found = set(done.stdout.split())
    assert "daemon.app.application" in found
    assert sorted(BESIDE_SERVING & found) == []
