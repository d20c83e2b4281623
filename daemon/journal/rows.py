"""Events to rows. Everything passes the redactor here; bodies go to files here."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, Final, Literal

from daemon.journal import statements as sql
from daemon.journal.bodies import Bodies, Part
from daemon.journal.plain import as_json
from daemon.model import Call, Event, Headers, Reading, Usage
from daemon.phrases import told
from daemon.redact import Redactor, Sealed

Policy = Literal["failed", "all", "none"]
Write = tuple[str, dict[str, Any]]

MAX_FAILURE_BODY: Final = 64 << 10
"""Characters of a failure's body in its row; what explains it is at its beginning."""

SHOWN: Final = re.compile(
    r"(?i)^(.*ratelimit.*|.*rate-limit.*|.*retry.*|.*request-id.*|x-tokenlimit-.*|content-(type|length|encoding)|date|server|via|age"
    r"|cf-ray|x-cache|openai-(version|processing-ms|model)|anthropic-organization-id|x-ms-(region|error-code|rai-invoked)"
    r"|x-sluice-.*|www-authenticate|allow|transfer-encoding|connection)$"
)
"""Fields of an answer whose values are kept; of the others name and length."""

_READING: Final = tuple(field.name for field in fields(Reading))

ENDED: Final = ("done", "failed", "cancelled")


@dataclass(frozen=True, slots=True)
class Keeping:
    """What is kept, and for how long."""

    bodies: Policy = "failed"
    max_bytes: int = 1 << 30
    """Of the database and the bodies together."""
    max_age_s: float = 30 * 86400.0
    max_body_bytes: int = 16 << 20


class Rows:
    """Turns events into writes. Used by the writer thread alone."""

    def __init__(self, redactor: Redactor, keeping: Keeping, bodies: Bodies) -> None:
        self._redactor = redactor
        self.keeping = keeping
        self.bodies = bodies
        self.keep_bodies = True
        """False while the disk is nearly full."""
        self.known: set[str] = set()
        """Calls that run and have a row, unless their write was dropped (then: clear it)."""

    def writes(self, event: Event) -> list[Write]:
        """The writes for EVENT, for one transaction, in order. Raises OSError for a body that cannot be kept."""
        call = event.call
        out: list[Write] = []
        if call.id not in self.known:
            out.append((sql.INSERT_CALL, self._call(call)))
        said = event.explanation.line if event.explanation else told(event.reason, call.language or "en")
        line = self._scrubbed(said, call)
        at = {"id": call.id, "at": event.at, "attempt": event.attempt, "status": event.status}
        out.append((sql.STEP, {**at, "kind": event.kind, "wait_s": event.wait_s, "reason": line or None}))
        out += _WRITES[event.kind](self, event, {**at, "reason": line or None, "line": line or None})
        if event.kind in ENDED and (event.kind != "failed" or event.final):
            self.known.discard(call.id)
            return [*out, *_ledger(event), *self._kept(event)]
        self.known.add(call.id)
        return out

    def _call(self, call: Call) -> dict[str, Any]:
        values: dict[str, Any] = {
            "id": call.id, "ref": call.ref, "client": call.client, "priority": int(call.priority),
            "arrived_at": call.arrived_at, "host": call.origin.host, "url": call.origin.url,
            "provider": call.origin.provider, "key": call.scope.key, "pool": call.scope.group, "kind": call.ask.kind,
            "model": call.model, "stream": call.stream, "method": call.method, "target": pieces(call.target),
            "headers": [[name, pieces(value)] for name, value in call.headers],
            "estimate": call.estimate.total, "body_bytes": len(call.body),
        }  # fmt: skip
        for name in ("target", "headers"):
            values[name] = self._scrubbed(as_json(values[name]), call)
        words = ("ref", "client", "model", "method")
        together = "\n".join([str(values[name]) for name in words])
        if self._scrubbed(together, call) != together:  # nobody's name is a key, as a rule: one look at all four
            values |= {name: values[name] and self._scrubbed(values[name], call) for name in words}
        return values

    def _queued(self, event: Event, at: dict[str, Any]) -> list[Write]:
        return []

    def _joined(self, event: Event, at: dict[str, Any]) -> list[Write]:
        company = event.company
        return (
            [(sql.JOINED, {**at, "how": company.how, "with": company.call, "wait_s": event.wait_s or 0.0})]
            if company is not None
            else []
        )

    def _moved(self, event: Event, at: dict[str, Any]) -> list[Write]:
        """The row tells of what was sent last, and so does the ledger; the steps tell how it came to that."""
        return [(sql.MOVED, self._call(event.call))]

    def _left(self, event: Event, at: dict[str, Any]) -> list[Write]:
        return []

    def _admitted(self, event: Event, at: dict[str, Any]) -> list[Write]:
        return [(sql.ADMITTED, {**at, "wait_s": event.wait_s or 0.0})]

    def _sent(self, event: Event, at: dict[str, Any]) -> list[Write]:
        return [(sql.SENT, at), (sql.ATTEMPT, at), (sql.ATTEMPT_SENT, at)]

    def _answered(self, event: Event, at: dict[str, Any]) -> list[Write]:
        readings = as_json([stated(reading) for reading in event.readings]) if event.readings else None
        return [
            (sql.ATTEMPT_ANSWERED, {**at, "headers": self._headers(event.headers, event.call), "readings": readings})
        ]

    def _first_byte(self, event: Event, at: dict[str, Any]) -> list[Write]:
        return [(sql.FIRST_BYTE, at), (sql.ATTEMPT_FIRST_BYTE, at)]

    def _held(self, event: Event, at: dict[str, Any]) -> list[Write]:
        return [(sql.HELD, at)]

    def _failed(self, event: Event, at: dict[str, Any]) -> list[Write]:
        explanation = event.explanation
        finding = explanation.finding if explanation else None
        values = {**at, "subtype": finding.subtype if finding else None, "family": finding.family if finding else None}
        out: list[Write] = []
        if event.attempt and event.failure:
            out += [(sql.ATTEMPT, at), (sql.ATTEMPT_FAILED, {**values, **self._failure(event)})]
        if event.final:
            whole = self._scrubbed(as_json(explanation.as_json()), event.call) if explanation else None
            out.append((sql.FAILED, {**values, "explanation": whole}))
        return out

    def _failure(self, event: Event) -> dict[str, Any]:
        failure = event.failure
        if failure is None:
            raise ValueError("an event without a failure")
        body = None
        if self.keeping.bodies != "none" and failure.body:
            # Scrubbed before it is cut: half a key at the end would not be recognised.
            body = self._scrubbed(failure.body.decode("utf-8", "replace"), event.call)[:MAX_FAILURE_BODY]
        return {
            "fault": failure.fault, "sent": failure.sent, "body": body,
            "detail": self._scrubbed(failure.detail, event.call) or None,
            "headers": self._headers(failure.headers, event.call),
        }  # fmt: skip

    def _cancelled(self, event: Event, at: dict[str, Any]) -> list[Write]:
        return [(sql.CANCELLED, at), (sql.ATTEMPT_ENDED, at)]

    def _done(self, event: Event, at: dict[str, Any]) -> list[Write]:
        usage = event.usage
        names = ("input", "output", "cached_input", "cache_write", "reported")
        counts = {name: getattr(usage, name) if usage else None for name in names}
        return [(sql.DONE, {**at, **counts, "answer_bytes": event.bytes_out}), (sql.ATTEMPT_ENDED, at)]

    def _kept(self, event: Event) -> list[Write]:
        """Write the bodies that the policy wants into their files. The files come first: a row never lies."""
        if not self.wants(event.kind == "failed"):
            return []
        policy = self.keeping.bodies
        request, changed = self._keep(event.call, "request", event.call.body)
        answer, _ = self._keep(event.call, "answer", (event.body or b"") if policy == "all" else b"")
        if not request and not answer:
            return []
        return [(sql.KEPT, {"id": event.call.id, "request": request, "changed": changed, "answer": answer})]

    def wants(self, failed: bool, size: int = 0) -> bool:
        """True if a body of SIZE is kept of a call that ended so."""
        policy = self.keeping.bodies
        return (
            self.keep_bodies
            and (policy == "all" or (policy == "failed" and failed))
            and size <= self.keeping.max_body_bytes
        )

    def _keep(self, call: Call, part: Part, data: bytes) -> tuple[int, bool]:
        """Keep DATA; return its size in the file (0: not kept) and whether a key was taken out."""
        if not data or len(data) > self.keeping.max_body_bytes:
            return 0, False
        clean = self._redactor.scrub_bytes(data, call.secrets())
        self.bodies.keep(call.id, part, clean)
        return len(clean), clean != data

    def _headers(self, headers: Headers, call: Call) -> str | None:
        """Fields of an answer: the values of known names, of the others the length."""
        if not headers:
            return None
        listed = [[name, value if SHOWN.match(name) else None, len(value)] for name, value in headers]
        return self._scrubbed(as_json(listed), call)

    def _scrubbed(self, text: str, call: Call) -> str:
        return self._redactor.scrub(text, call.secrets()) if text else text


_WRITES: Final[dict[str, Callable[[Rows, Event, dict[str, Any]], list[Write]]]] = {
    "queued": Rows._queued, "joined": Rows._joined, "left": Rows._left,
    "keyed": Rows._moved, "rerouted": Rows._moved,
    "admitted": Rows._admitted, "sent": Rows._sent, "answered": Rows._answered,
    "first_byte": Rows._first_byte, "failed": Rows._failed, "held": Rows._held, "done": Rows._done,
    "cancelled": Rows._cancelled,
}  # fmt: skip


def _ledger(event: Event) -> list[Write]:
    """What the call adds to the ledger. One that was never sent adds nothing, nor one whose client left."""
    if event.kind == "cancelled" or not event.attempt:
        return []
    usage = event.usage or Usage()
    values = {
        "id": event.call.id, "day": time.strftime("%Y-%m-%d", time.localtime(event.at)),
        "failed": int(event.kind == "failed"), "input": usage.input, "output": usage.output,
        "cached_input": usage.cached_input, "cache_write": usage.cache_write, "estimated": int(not usage.reported),
    }  # fmt: skip
    return [(sql.LEDGER, values)]


def stated(reading: Reading) -> dict[str, Any]:
    """What READING says, without what it does not."""
    return {name: value for name in _READING if (value := getattr(reading, name)) is not None}


def pieces(sealed: Sealed) -> list[Any]:
    """SEALED for JSON: plain pieces as strings, secrets as their bucket names."""
    return [part if isinstance(part, str) else {"secret": part.name} for part in sealed.parts]
