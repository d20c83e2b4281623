"""`daemon report` from the journal alone, when no daemon runs."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from daemon.explain import Catalogue
from daemon.journal import Reader
from daemon.operations.reporting import neighbours, refuse_unsaid, text_of
from daemon.redact import scrub


def from_journal(
    reader: Reader, row: Mapping[str, Any], command: str | None, language: str | None, rules_dir: Path
) -> dict[str, Any]:
    """What the operation `report` answers. Raises InvalidCall for a call that has not failed."""
    refuse_unsaid(row)
    others = reader.calls(**neighbours(row, time.time()))
    text = text_of(Catalogue.load(rules_dir), row, others, command, language)
    return {"call": row["id"], "ref": row.get("ref"), "text": scrub(text)}
