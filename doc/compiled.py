#!/usr/bin/env python3
"""Writes daemon/data/compiled/: our data as JSON, which loads quickly. .venv/bin/python doc/compiled.py"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from daemon import datafile
from daemon.config.nodes import plain, read_nodes

FOLDER = Path(datafile.DATA)
WITHOUT = frozenset({"catalogue/examples"})
"""What only tools read."""


def names() -> list[str]:
    """The data that has a copy."""
    found = {path.relative_to(FOLDER).with_suffix("").as_posix() for path in FOLDER.rglob("*.yaml")}
    return sorted(found - WITHOUT)


def compiled(name: str) -> bytes:
    """The copy of NAME, with the checksum of what it was made from. Raises ValueError for what JSON cannot keep."""
    raw = Path(datafile.source(name)).read_bytes()
    values = plain(read_nodes(raw.decode())) if name == "defaults" else datafile.from_yaml(raw)
    if json.loads(json.dumps(values, default=str)) != values:
        raise ValueError(f"{name}.yaml has values that JSON cannot keep, such as a date or a number as a key")
    text = "\n".join(_lines(values)) + "\n"
    return datafile.checksum(raw) + b"\n" + text.encode()


def _lines(values: Any) -> Iterator[str]:
    """JSON, one entry a line: so that a change is seen where it was made."""
    if not isinstance(values, dict):
        yield json.dumps(values, ensure_ascii=False)
        return
    entries = [f"{json.dumps(key)}: {json.dumps(value, ensure_ascii=False)}" for key, value in values.items()]
    yield "{"
    yield from [f"{entry}," for entry in entries[:-1]]
    yield from [*entries[-1:], "}"]


if __name__ == "__main__":
    for name in names():
        path = Path(datafile.copy(name))
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(compiled(name))
