"""Answers that are no API errors: HTML pages, empty bodies, JSON of another shape. Same for each API."""

from __future__ import annotations

import json
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Page:
    """A whole answer."""

    status: int
    body: bytes = b""
    content_type: str | None = "application/json"
    headers: tuple[tuple[str, str], ...] = ()


def _html(title: str) -> bytes:
    lines = (
        f"<html>\r\n<head><title>{title}</title></head>",
        f"<body>\r\n<center><h1>{title}</h1></center>",
        "<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n",
    )
    return "\r\n".join(lines).encode()


_BLOCKED = """<!DOCTYPE html>
<html lang="en-US">
<head><title>Access denied | sandbox.invalid used Cloudflare to restrict access</title></head>
<body><div id="cf-wrapper"><h1><span>Error</span> <span>1015</span></h1>
<h2>You are being rate limited</h2>
<p>The owner of this website (sandbox.invalid) has banned you temporarily from accessing this website.</p>
<p>Cloudflare Ray ID: <strong>0000000000000000</strong></p></div></body>
</html>
"""

_RAY = (("server", "cloudflare"), ("cf-ray", "0000000000000000-AMS"))
_HTML = "text/html; charset=UTF-8"

_ONE_STRING = (
    "Too many requests for team sandbox and model string-429. Your team's rate limit is — "
    "Requests per Minute (actual/limit): 61/60."
)
_EXHAUSTED = (
    b'{"error":{"code":429,"message":"Resource has been exhausted (e.g. check quota).","status":"RESOURCE_EXHAUSTED"}}'
)

PAGES: dict[str, Page] = {
    "edge-blocked": Page(429, _BLOCKED.encode(), _HTML, _RAY),
    "edge-1015": Page(429, b"error code: 1015", "text/plain; charset=UTF-8", (*_RAY, ("retry-after", "54000"))),
    "html-429": Page(429, _html("429 Too Many Requests"), "text/html"),
    "html-502": Page(502, _html("502 Bad Gateway"), "text/html"),
    "empty-429": Page(429, content_type=None),
    "json-no-error-429": Page(429, b'{"message":"Requests rate limit exceeded"}'),
    "string-429": Page(429, json.dumps(_ONE_STRING, ensure_ascii=False).encode()),
    "error-string-429": Page(429, b'{"error":"slow down"}'),
    "array-429": Page(429, b"[" + _EXHAUSTED + b"]"),
    "redirect": Page(307, headers=(("location", "/v1/elsewhere"),)),
    "accepted-202": Page(202, b'{"id":"sandbox-accepted","status":"queued"}'),
    "bad-header": Page(
        429,
        b'{"error":{"message":"Rate limit exceeded","type":"rate_limit_error"}}',
        headers=(("x-note", "zu schnell für 이 모델"), ("retry-after", "soon")),
    ),
}
"""By the name of the trick."""
