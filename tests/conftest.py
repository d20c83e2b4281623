"""Fixtures for all tests: see tests/stage. The Emacs and the elisp packages that .ci/install-emacs.sh has put in place
are found here, too, so that a single test can be run by `pytest` alone."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from hypothesis import HealthCheck, settings

pytest_plugins = ("stage.canary", "stage.disks", "stage.verdict", "stage.processes", "stage.visitors", "stage.gptel")

_ROOT = Path(__file__).resolve().parents[1]


# A busy machine is slow, not wrong: how long one example takes is no finding.
settings.register_profile("sluice", settings.default, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("sluice")


def pytest_configure() -> None:
    """Take over what .ci/env.sh exports, and leave the person's own Sluice alone."""
    script = '. "$0" && env -0'
    run = subprocess.run(["bash", "-c", script, str(_ROOT / ".ci" / "env.sh")], capture_output=True, check=False)
    for entry in run.stdout.decode("utf-8", "surrogateescape").split("\0"):
        name, _, value = entry.partition("=")
        if name == "PATH" or name.startswith(("SLUICE_EMACS", "SLUICE_GPTEL", "SLUICE_PLZ", "SLUICE_PACKAGE")):
            os.environ[name] = value
    for name in ("SLUICE_SOCKET", "SLUICE_CONFIG", "SLUICE_STATE_DIR", "SLUICE_LOG_LEVEL"):
        os.environ.pop(name, None)
