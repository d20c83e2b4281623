"""A reader of events: one line a call at `info`; at `debug` a block with each step and the curl command.

No key is ever logged: targets are sealed, everything else passes the redactor. Nor is the text of a prompt, which a
provider's sentence may quote, unless the setting `log.bodies` wants it.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable

from daemon.log.output import DRIVING
from daemon.model import Call, Event, Reading
from daemon.redact import Redactor

_calls = logging.getLogger("sluice.call")
_SHOWN_HEADERS = ("ratelimit", "retry-after", "request-id", "content-type")

_LINE_BREAKING = re.compile(rf"[\t\n{DRIVING}]")
"""What could drive a terminal, and line ends: a model's name must not look like one more line of the log."""

QUOTED = 16
"""So many letters in a row that also stand in the prompt are a quotation of it."""


class CallLog:
    """A sink of the gateway. A call's lines come together when it has ended, so that those of others are not between.

    CURL_OF gives the command of a call, and is told whether it failed. BODIES says whether prompts may be logged.
    """

    def __init__(
        self, redactor: Redactor, curl_of: Callable[[Call, bool], str], bodies: Callable[[], bool] = lambda: False
    ) -> None:
        self._redactor = redactor
        self._curl_of = curl_of
        self._bodies = bodies
        self._blocks: dict[str, list[tuple[float, str]]] = {}
        """Lines of calls that have not ended, with their times."""

    def __call__(self, event: Event) -> None:
        """Log one event."""
        block = self._blocks.pop(event.call.id, [])
        if _calls.isEnabledFor(logging.DEBUG):
            block += [(event.at, self._clean(event, line)) for line in steps(event)]
            if not event.final:
                self._blocks[event.call.id] = block
                if waits := waiting(event):  # the block comes late, and who looks at the log wants to know why
                    _tell(logging.DEBUG, event.call, event.at, self._clean(event, waits))
                return
            for at, line in [*block, *[(event.at, line) for line in self._command(event)]]:
                _tell(logging.DEBUG, event.call, at, line)
        if event.final:
            _tell(logging.INFO, event.call, event.at, self._clean(event, summary(event)))

    def _command(self, event: Event) -> list[str]:
        """The lines of the curl command: notes, and the command itself on one line, to be copied from its beginning."""
        lines = self._curl_of(event.call, event.kind == "failed").split("\n")
        return ["the same call from a terminal:", *[_LINE_BREAKING.sub("\N{REPLACEMENT CHARACTER}", x) for x in lines]]

    def _clean(self, event: Event, text: str) -> str:
        if event.kind == "failed" and not self._bodies():
            text = without_quotations(text, prompt_of(event.call))
        return _LINE_BREAKING.sub("\N{REPLACEMENT CHARACTER}", self._redactor.scrub(text, event.call.secrets()))


def _tell(level: int, call: Call, at: float, text: str) -> None:
    """Log a line about CALL that happened at that time."""
    record = _calls.makeRecord(_calls.name, level, "", 0, "%s  %s", (call.id, text), None, extra={"call": call.id})
    record.created, record.msecs = at, at % 1 * 1000
    if _calls.isEnabledFor(level):
        _calls.handle(record)


def prompt_of(call: Call) -> str:
    """What the person said; the whole body where nobody knows which part of it that is."""
    return call.ask.text or call.body.decode("utf-8", "replace")


def without_quotations(text: str, prompt: str) -> str:
    """TEXT without what it quotes from PROMPT.

    A quotation of QUOTED letters holds a whole block of half as many, wherever it begins: a text of which no such block
    stands in the prompt, as most do not, is through with a few searches.
    """
    half = QUOTED // 2
    if not any(text[i : i + half] in prompt for i in range(0, len(text) - half + 1, half)):
        return text
    quoted = [prompt.find(text[i : i + QUOTED]) >= 0 for i in range(max(0, len(text) - QUOTED + 1))]
    if not any(quoted):
        return text
    kept = [any(quoted[max(0, i - QUOTED + 1) : i + 1]) for i in range(len(text))]
    return re.sub("\0+", "\N{HORIZONTAL ELLIPSIS}", "".join("\0" if q else c for c, q in zip(text, kept, strict=True)))


def summary(event: Event) -> str:
    """One line for a call that has ended; its id stands before it."""
    call = event.call
    parts = [call.method, call.origin.host + str(call.target).partition("?")[0], call.model or "-"]
    parts.append(
        {"done": str(event.status), "cancelled": "cancelled"}.get(event.kind, f"{event.status or 'no answer'}")
    )
    parts.append(f"{max(0.0, event.at - call.arrived_at):.2f} s")
    if event.attempt != 1:
        parts.append(f"{event.attempt} attempts")
    if event.usage is not None:
        about = "" if event.usage.reported else "about "
        parts.append(f"{about}{event.usage.input}+{event.usage.output} tokens")
    if event.explanation is not None:
        parts.append(f"{event.explanation.finding.subtype}: {event.explanation.line}")
    elif event.reason:
        parts.append(event.reason)
    return " ".join(parts)


def waiting(event: Event) -> str:
    """What a call that has not ended waits for, or nothing."""
    if event.kind == "queued" and event.reason:
        return f"is in the queue: waits for {event.reason}"
    return steps(event)[0] if event.kind == "held" else ""


def steps(event: Event) -> list[str]:
    """The lines that a debug log shows for one event."""
    call = event.call
    match event.kind:
        case "queued":
            about = f"{call.method} {call.origin.host}{call.target} model={call.model or '-'} client={call.client}"
            size = (
                f"priority={call.priority.name.lower()} body={len(call.body)} B, about {call.estimate.total:.0f} tokens"
            )
            return [f"queued  {about} {size}" + (f"; waits for {event.reason}" if event.reason else "")]
        case "admitted":
            return [f"admitted after {event.wait_s or 0:.2f} s (attempt {event.attempt})"]
        case "sent":
            return [f"sent to {call.origin.url}"]
        case "answered":
            kept = [f"{n}: {v}" for n, v in event.headers if any(word in n.lower() for word in _SHOWN_HEADERS)]
            said = [*kept, *[f"which says: {limit(reading)}" for reading in event.readings]]
            return [f"answered {event.status}", *(f"    {line}" for line in said)]
        case "first_byte":
            return ["first byte"]
        case "failed":
            finding = event.explanation.finding if event.explanation is not None else None
            how = f"{finding.subtype} by rule {finding.rule}" if finding is not None else event.reason
            detail = f" ({event.failure.detail})" if event.failure is not None and event.failure.detail else ""
            return [f"failed with {event.status or 'no answer'}: {how}{detail}"]
        case "held":
            return [f"held: goes again in {event.wait_s or 0:.2f} s, {event.reason}"]
        case "done":
            return [f"done, {event.bytes_out} bytes"]
        case _:
            return [f"{event.kind}: {event.reason}"]


def limit(reading: Reading) -> str:
    """`requests: 59 of 60 left, full again in 12.0 s`, as far as the header says it."""
    known = [f"{value:g}" for value in (reading.remaining, reading.limit) if value is not None]
    left = " of ".join(known) + (" left" if reading.remaining is not None else " allowed") if known else "?"
    full = f", full again in {reading.reset_s:.1f} s" if reading.reset_s is not None else ""
    return f"{reading.dimension}: {left}{full}"
