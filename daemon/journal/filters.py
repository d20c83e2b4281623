"""Which calls a question to the journal means, as a condition in SQL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from daemon.journal.plain import as_json


def condition(
    now: float,
    *,
    failed: bool = False,
    since_s: float | None = None,
    model: str | None = None,
    client: str | None = None,
    subtype: str | None = None,
    host: str | None = None,
    ids: Sequence[str] | None = None,
) -> tuple[str, list[Any]]:
    """A condition on `calls` and the values of its marks; NOW is the time before which SINCE_S counts."""
    wanted: dict[str, Any] = {
        "arrived_at >= ?": None if since_s is None else now - since_s,
        "model GLOB ?": model,
        "client = ?": client,
        "subtype = ? AND state = 'failed'": subtype,
        "host = ?": host,
        "id IN (SELECT value FROM json_each(?))": None if ids is None else as_json(list(ids)),
    }
    clauses = ["state = 'failed'"] if failed else []
    clauses += [clause for clause, value in wanted.items() if value is not None]
    return " AND ".join(clauses) or "1", [value for value in wanted.values() if value is not None]
