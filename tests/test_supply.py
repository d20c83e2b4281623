"""What is installed: floors, the lock, and who tells of known vulnerabilities."""

from __future__ import annotations

import json
import re
import runpy
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

from daemon.cli.surroundings import numbers

ROOT = Path(__file__).resolve().parents[1]
LOCK = (ROOT / ".ci" / "requirements.lock").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_the_lock_names_versions_and_hashes_only() -> None:
    """Each line is one version with one hash, whichever index it comes from."""
    lines = [line for line in LOCK.splitlines() if not line.startswith("#")]
    assert len(lines) > 20
    assert not [line for line in lines if not re.fullmatch(r"[\w.-]+==[\w.+!]+ --hash=sha256:[0-9a-f]{64}", line)]


def test_the_lock_holds_what_the_project_needs() -> None:
    """Each dependency is in it, and as new as its floor; a change of a floor wants a new lock."""
    locked = dict(line.split(" ")[0].split("==") for line in LOCK.splitlines() if not line.startswith("#"))
    for need in (*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["test"]):
        name, floor = re.match(r"([\w.-]+)(?:[^>]*>=([\d.]+))?", need).groups()  # type: ignore[union-attr]
        versions = {known.lower().replace("_", "-"): version for known, version in locked.items()}
        assert name.lower() in versions, f"{name} is not in the lock; run .ci/lock.py"
        assert numbers(versions[name.lower()]) >= numbers(floor or "0")


def test_what_runs_here_is_as_new_as_its_floor() -> None:
    """The tests run on what users may have, not on less."""
    for need in PROJECT["dependencies"]:
        name, floor = re.match(r"([\w.-]+)>=([\d.]+)", need).groups()  # type: ignore[union-attr]
        assert numbers(metadata.version(name)) >= numbers(floor)


def test_a_report_of_vulnerabilities(tmp_path: Path) -> None:
    """A known one is named with its mend and is a failure; none, or a text that is no report, is not."""
    script = ROOT / ".ci" / "vulnerable.py"
    told = runpy.run_path(str(script))["vulnerable"]
    hole = {"name": "a", "version": "1", "vulns": [{"id": "PYSEC-1", "fix_versions": ["2"]}]}
    report = json.dumps({"dependencies": [hole, {"name": "b", "version": "1", "vulns": []}]})
    assert told(report) == ["a 1: PYSEC-1; mended in 2"]
    for nothing in ("", "no report", "[]", json.dumps({"dependencies": [{"name": "b", "skip_reason": "x"}]})):
        assert told(nothing) == []
    (tmp_path / "r").write_text(report)
    assert subprocess.run([sys.executable, script, tmp_path / "r"], capture_output=True, check=False).returncode == 0
