"""What the sandbox has seen of each request, byte for byte."""

from __future__ import annotations

import base64
import hashlib
import secrets
from dataclasses import dataclass
from typing import Any

from daemon.redact import NOT_SECRET_HEADER, SECRET_HEADER, SECRET_QUERY

_SALT = secrets.token_bytes(16)

HARMLESS = "CANARY-"
"""Test keys begin with this; other secrets are shown to other processes as a digest only."""


@dataclass(slots=True)
class Seen:
    """One request. Filled in while it is answered."""

    method: str
    target: str
    """Raw: path and query as they came."""
    headers: tuple[tuple[bytes, bytes], ...]
    """Raw: order, case and duplicates as they came."""
    arrived: float
    """On the sandbox's clock, when the headers were there."""
    body: bytes = b""
    api: str = ""
    kind: str = ""
    model: str | None = None
    account: str = ""
    """Whose limits it used."""
    trouble: str = ""
    """Empty for a plain success; else what went wrong: a kind of trouble or a trick's name."""
    cost: float = 0.0
    """Tokens charged at the door."""
    admitted: float | None = None
    """When it was let in by the limits; None: it was not."""
    status: int | None = None
    """None: no status was sent."""
    bytes_out: int = 0
    """Bytes of the answer's body that were handed to the network."""
    finished: bool = False
    """The whole answer was sent."""
    closed_by_client: bool = False
    """The client closed the connection before that."""
    ended: float | None = None

    def fields(self) -> list[tuple[str, str]]:
        """The headers as text; each character is one byte (latin-1)."""
        return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in self.headers]

    def header(self, name: str) -> str | None:
        """The first value of a header, by any case of its NAME."""
        return next((value for key, value in self.fields() if key.lower() == name.lower()), None)

    def as_json(self) -> dict[str, Any]:
        """Everything, for another process. A secret that is no test key shows as a digest, the same each time."""
        return {
            "method": self.method, "target": _shown_target(self.target),
            "headers": [[name, _shown(name, value)] for name, value in self.fields()],
            "body": self.body.decode("utf-8", "replace"), "body_base64": base64.b64encode(self.body).decode(),
            "api": self.api, "kind": self.kind, "model": self.model, "account": _digest(self.account),
            "trouble": self.trouble, "cost": self.cost, "status": self.status, "bytes_out": self.bytes_out,
            "finished": self.finished, "closed_by_client": self.closed_by_client,
            "arrived": self.arrived, "admitted": self.admitted, "ended": self.ended,
        }  # fmt: skip


def _digest(value: str) -> str:
    return "digest:" + hashlib.sha256(_SALT + value.encode("utf-8", "surrogateescape")).hexdigest()[:16]


def _shown(name: str, value: str) -> str:
    if not SECRET_HEADER.match(name) or NOT_SECRET_HEADER.match(name) or value.split(" ")[-1].startswith(HARMLESS):
        return value
    return _digest(value)


def _shown_target(target: str) -> str:
    path, mark, query = target.partition("?")
    pairs = []
    for pair in query.split("&"):
        name, equals, value = pair.partition("=")
        secret = SECRET_QUERY.match(name) and not value.startswith(HARMLESS)
        pairs.append(name + equals + (_digest(value) if secret and value else value))
    return path + mark + "&".join(pairs)
