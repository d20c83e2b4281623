"""The sandbox's own operations under `/_sandbox/`, for tests and benchmarks in other processes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from aiohttp import web

from daemon.sandbox import tricks

if TYPE_CHECKING:
    from daemon.sandbox.server import Sandbox

OPERATIONS = {
    ("GET", "seen"): "what came, oldest first",
    ("GET", "counts"): "how many requests got which status",
    ("GET", "models"): "model names that ask for trouble, one line each",
    ("GET", "settings"): "the settings",
    ("POST", "settings"): "change settings: a JSON object; the limits begin afresh",
    ("POST", "reset"): "forget what was seen and used",
}


async def answer(sandbox: Sandbox, request: web.Request) -> web.Response:
    """Do one operation and answer with JSON (a list of lines for `models`)."""
    name = request.path.removeprefix("/_sandbox/")
    if (request.method, name) not in OPERATIONS:
        return _json(
            {"error": f"no operation {request.method} {name}", "operations": [" ".join(key) for key in OPERATIONS]}, 404
        )
    if name == "seen":
        return _json([seen.as_json() for seen in sandbox.seen])
    if name == "counts":
        return _json({"status": sandbox.counts(), "accepted": sandbox.accepted, "foreign": sandbox.foreign})
    if name == "models":
        return web.Response(text="".join(f"{model:24} {about}\n" for model, about in tricks.names().items()))
    if name == "reset":
        sandbox.reset()
    elif request.method == "POST":
        return await _change(sandbox, request)
    return _json(sandbox.settings.as_json())


async def _change(sandbox: Sandbox, request: web.Request) -> web.Response:
    try:
        changes = await request.json()
        if "faults" in changes:
            changes["faults"] = {int(status): float(rate) for status, rate in changes["faults"].items()}
        sandbox.change(**changes)
    except (ValueError, TypeError, AttributeError) as error:
        return _json({"error": str(error), "settings": list(sandbox.settings.names())}, 400)
    return _json(sandbox.settings.as_json())


def _json(value: Any, status: int = 200) -> web.Response:
    return web.Response(status=status, text=json.dumps(value, ensure_ascii=False), content_type="application/json")
