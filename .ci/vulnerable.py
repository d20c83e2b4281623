"""Says which packages in a report of pip-audit have a known vulnerability. Exit status 0: there are some that count."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

SEEDS = ("pip", "setuptools", "wheel")
"""Python puts them into each new environment; nothing of Sluice needs them when it runs. Told, but no failure."""


def counts(line: str) -> bool:
    """True if the package of a LINE of `vulnerable` is one that Sluice asked for."""
    return line.partition(" ")[0].lower() not in SEEDS


def vulnerable(report: str) -> list[str]:
    """A line for each, from the JSON text; nothing from a text that is no report."""
    try:
        packages: list[dict[str, Any]] = json.loads(report)["dependencies"]
    except (ValueError, KeyError, TypeError):
        return []
    return [
        f"{package['name']} {package['version']}: {hole['id']}; mended in {', '.join(hole['fix_versions']) or 'none'}"
        for package in packages
        for hole in package.get("vulns", ())
    ]


if __name__ == "__main__":
    lines = vulnerable(Path(sys.argv[1]).read_text(encoding="utf-8"))
    print("\n".join(lines))
    sys.exit(not any(map(counts, lines)))
