"""Writes .ci/requirements.lock: what CI installs, to the version and the hash. Run it with the Python of CI, and look
at what has changed before it is committed:

    .venv/bin/python .ci/lock.py
"""

from __future__ import annotations

import json
import platform
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LOCK = ROOT / ".ci" / "requirements.lock"


def resolved() -> list[tuple[str, str, str]]:
    """(name, version, sha256) of all that `.[test]` needs, as pip would install it here."""
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--dry-run"]
    command += ["--ignore-installed", "--report", "-", f"{ROOT}[test]"]
    report = json.loads(subprocess.run(command, capture_output=True, check=True, text=True).stdout)  # noqa: S603 - our own words
    found = []
    for item in report["install"]:
        hashes = item["download_info"].get("archive_info", {}).get("hashes", {})
        if "sha256" in hashes:  # all but Sluice itself, which is a folder
            found.append((item["metadata"]["name"], item["metadata"]["version"], hashes["sha256"]))
    return sorted(found, key=lambda one: one[0].lower())


def main() -> None:
    """Write the file."""
    python = "".join(platform.python_version_tuple()[:2])
    lines = [
        "# Written by .ci/lock.py; not by hand.",
        f"# for: {python} {sys.platform} {platform.machine()}",
        *(f"{name}=={version} --hash=sha256:{digest}" for name, version, digest in resolved()),
    ]
    LOCK.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
