"""Fixtures for all tests: see tests/stage. The Emacs and the elisp packages that .ci/install-emacs.sh has put in place
are found here, too, so that a single test can be run by `pytest` alone."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

pytest_plugins = ("stage.canary", "stage.verdict", "stage.processes", "stage.visitors")

_ROOT = Path(__file__).resolve().parents[1]


def pytest_configure() -> None:
    """Take over what .ci/env.sh exports."""
    script = '. "$0" && env -0'
    run = subprocess.run(["bash", "-c", script, str(_ROOT / ".ci" / "env.sh")], capture_output=True, check=False)
    for entry in run.stdout.decode("utf-8", "surrogateescape").split("\0"):
        name, _, value = entry.partition("=")
        if name == "PATH" or name.startswith("SLUICE_"):
            os.environ[name] = value
