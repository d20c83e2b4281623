#!/usr/bin/env python3
"""Writes into README.md what is made from data: kinds of failure, and providers. .venv/bin/python doc/tables.py"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

from daemon.explain import Catalogue
from daemon.providers import load_providers

README = Path(__file__).resolve().parents[1] / "README.md"
MARK = re.compile(r"(<!-- (\w+): made by doc/tables\.py -->\n).*?(<!-- end of \2 -->)", re.DOTALL)


def subtypes() -> str:
    """A row for each kind of failure that is told apart."""
    rows = Catalogue.load().subtypes("en")
    lines = [f"| `{row['subtype']}` | {row['waiting']} | {row['what']} |" for row in rows]
    return "\n".join(["| subtype | does waiting help | what it means |", "|---|---|---|", *lines])


def providers() -> str:
    """The words for `provider:`, with the hosts of each."""
    rows = [
        f"| `{provider.name}` | {provider.title} | {', '.join(f'`{host.pattern}`' for host in provider.hosts)} |"
        for provider in load_providers().values()
    ]
    return "\n".join(["| provider | | hosts |", "|---|---|---|", *rows])


TABLES: Mapping[str, Callable[[], str]] = {"subtypes": subtypes, "providers": providers}


def filled(page: str) -> str:
    """PAGE with fresh tables between their marks."""
    found = {match[2] for match in MARK.finditer(page)}
    if found != TABLES.keys():
        raise SystemExit(f"README.md has places for {sorted(found)}, and there are tables for {sorted(TABLES)}")
    return MARK.sub(lambda match: f"{match[1]}\n{TABLES[match[2]]()}\n\n{match[3]}", page)


if __name__ == "__main__":
    README.write_text(filled(README.read_text(encoding="utf-8")), encoding="utf-8")
