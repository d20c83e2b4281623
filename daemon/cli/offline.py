"""What the command line can answer from the journal alone, when no daemon runs. Reads only."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from daemon.config import Paths, load, origins
from daemon.curl import curl_command
from daemon.errors import NotFound
from daemon.journal import call_from_row, open_reader
from daemon.providers import load_providers, provider_for


def answer(paths: Paths, method: str, params: Mapping[str, Any]) -> Any:
    """Answer `calls`, `show`, `curl`, `explain`. Raises FileNotFoundError without a journal, NotFound without a row."""
    with open_reader(paths.state_dir) as reader:
        if method == "calls":
            return {"calls": reader.calls(failed=bool(params.get("failed")), limit=int(params.get("limit") or 100))}
        row = reader.call(str(params["call"]))
        if row is None:
            raise NotFound(f"the journal has no call {params['call']!r}; `daemon calls` lists those it has")
        if method == "show":
            return row
        command = _curl(paths, row)
    if method == "explain":
        return _explained(row, command)
    if command is None:
        raise NotFound(f"call {row['id']} was not kept with its body; the setting journal.bodies says which are kept")
    return {"call": row["id"], "command": command}


def _curl(paths: Paths, row: Mapping[str, Any]) -> str | None:
    kept = call_from_row(row)
    if kept is None:
        return None
    origin = origins(load(paths.config_file, environ=os.environ), load_providers())(kept.call.origin.host)
    provider = provider_for(kept.call.origin.provider)
    variable = (origin.key_variable if origin else None) or (provider.key_variable if provider else None)
    return curl_command(kept.call, key_variable=variable, body_file=kept.body_file, comment=kept.comment)


def _explained(row: Mapping[str, Any], command: str | None) -> dict[str, Any]:
    kept = row.get("explanation")
    if not isinstance(kept, dict):
        return {"call": row["id"], "explanation": None, "text": f"Call {row['id']} has not failed.", "curl": command}
    from daemon.explain import Catalogue
    from daemon.model import Explanation

    text = Catalogue.load().render(Explanation.from_json(kept), curl=command)
    return {"call": row["id"], "explanation": kept, "text": text, "curl": command}
