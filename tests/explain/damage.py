"""What happens to an error on its way into a person's hands: each function makes a pasted text of an answer."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Callable
from typing import Any, Final


def message(body: str) -> str:
    """Return the sentence in BODY."""
    found = _message(json.loads(body)) if body.startswith("{") else None
    return found or body


def _message(value: Any) -> str | None:
    if isinstance(value, dict):
        inner = value.get("error")
        if isinstance(inner, dict) and isinstance(inner.get("message"), str):
            return str(inner["message"])
        for name in ("message", "detail", "error"):
            if isinstance(value.get(name), str):
                return str(value[name])
    return None


def loaded(body: str) -> Any:
    """Return BODY as a value, so that Python's repr can be taken of it."""
    return json.loads(body) if body.startswith("{") else body


def pretty(body: str) -> str:
    """Return BODY over several lines."""
    return json.dumps(loaded(body), indent=2, ensure_ascii=False)


def wrapped(text: str, width: int, indent: str) -> str:
    """Break TEXT hard at WIDTH, inside of words too."""
    return "\n".join(indent + text[at : at + width] for at in range(0, len(text), width))


def boxed(text: str, width: int = 70) -> str:
    """Draw a box around TEXT."""
    lines = [f"│ {text[at : at + width].ljust(width)} │" for at in range(0, len(text), width)]
    edge = "─" * (width + 2)
    return "\n".join([f"╭{edge}╮", *lines, f"╰{edge}╯"])


def panes(status: int, body: str) -> str:
    """Put another pane beside it."""
    lines = textwrap.wrap(f"Error {status}: {body}", 60, break_on_hyphens=False)
    return "\n".join(f"{line.ljust(60)} │ $ make test" for line in [*lines, "done", "$"])


def curl_v(status: int, body: str) -> str:
    """The log of `curl -v`."""
    return (
        "* Connected to api.example.com (192.0.2.7) port 443\n> POST /v1/chat/completions HTTP/2\n"
        f"> authorization: Bearer CANARY-x\n> content-length: 429\n>\n< HTTP/2 {status}\n"
        f"< date: Tue, 26 Mar 2030 20:00:00 GMT\n< content-type: application/json\n<\n{body}"
    )


def js_error(status: int, body: str) -> str:
    """An error of the AI SDK as Node shows it."""
    return (
        f"APICallError [AI_APICallError]: {message(body)}\n  statusCode: {status},\n  responseBody: '{body}',\n"
        "  isRetryable: true,\n  data: { error: { } }"
    )


DAMAGE: Final[dict[str, Callable[[int, str], str]]] = {
    "status and body": lambda s, b: f"Error: {s} {b}\n    at OpenAI.makeStatusError (file:///x.mjs:462:25)",
    "python dict": lambda s, b: f"openai.RateLimitError: Error code: {s} - {loaded(b)!r}",
    "curl -i": lambda s, b: f"HTTP/2 {s} \r\ndate: Tue, 26 Mar 2030 20:00:00 GMT\r\nx-request-id: req_x\r\n\r\n{b}",
    "curl -v": curl_v,
    "litellm": lambda s, b: f"litellm.RateLimitError: RateLimitError: XException - {b} status {s}",
    "bytes repr": lambda s, b: f"litellm.RateLimitError: XException - {b.encode()!r} ({s})",
    "json in json": lambda s, b: json.dumps({"status": s, "error": b}),
    "json in json in json": lambda s, b: json.dumps({"outer": json.dumps({"error": b, "code": s})}),
    "escaped once": lambda s, b: f"Error {s}: " + json.dumps(b)[1:-1],
    "escaped twice": lambda s, b: f"Error {s}: " + json.dumps(json.dumps(b))[1:-1],
    "lost backslashes": lambda s, b: f"Error: {s} {json.dumps({'body': b})}".replace("\\", ""),
    "pretty": lambda s, b: f"API error {s}: {pretty(b)}",
    "wrapped at 60": lambda s, b: wrapped(f"API Error: {s} {b}", 60, "  "),
    "wrapped at 77": lambda s, b: wrapped(f"API Error: {s} {b}", 77, "    "),
    "boxed": lambda s, b: boxed(f"API Error: {s} {b}"),
    "boxed python": lambda s, b: boxed(f"RateLimitError: Error code: {s} - {loaded(b)!r}", 76),
    "two panes": panes,
    "line numbers": lambda s, b: "\n".join(
        f"{n:4d} | {x}" for n, x in enumerate([f"HTTP {s}", *pretty(b).split("\n")], 1)
    ),
    "mail quote": lambda s, b: "\n".join("> " + x for x in [f"HTTP {s}", *pretty(b).split("\n")]),
    "compose log": lambda s, b: "\n".join("worker_1  | " + x for x in [f"Error {s}", *pretty(b).split("\n")]),
    "typographic": lambda s, b: re.sub(r'"([^"]*)"', r"“\1”", f"Error {s}: {b}").replace("'", "’"),
    "go": lambda s, b: f'2031/01/02 03:04:05 POST "https://api.example.com/v1/chat": {s} Too Many Requests {b}',
    "dotnet": lambda s, b: f"System.ClientModel.ClientResultException: HTTP {s} (x: y)\r\n\r\n{b}\r\n   at X.Run()",
    "java": lambda s, b: f"feign.FeignException: [{s}] during [POST] to [https://api.example.com]: [{b}]",
    "rust": lambda s, b: f"Error: HttpError {{ status: {s}, body: {json.dumps(b)} }}",
    "ai sdk": js_error,
    "event stream": lambda s, b: f"event: error\ndata: {b}\n\n(status {s})",
    "yaml": lambda s, b: f"last_error: {s} {b}\nat: 2031-01-02",
    "claude code": lambda s, b: f"  ⎿  API Error ({s} {b}) · Retrying in 5 seconds… (attempt 4/10)",
    "langchain": lambda s, b: f"Retrying _completion_with_retry in 4.0 seconds as it raised RateLimitError: {s} {b}.",
    "tenacity": lambda s, b: f"RetryError[<Future at 0x7f2b state=finished raised RateLimitError>] caused by {s}: {b}",
    "colours": lambda s, b: f"\x1b[31m✖\x1b[0m \x1b[1mError\x1b[22m: {s} {b}",
    "cut": lambda s, b: f"Error {s}: {b[: int(len(b) * 0.8)]}",
}
"""Name of the damage to what it makes of a status and a body."""
