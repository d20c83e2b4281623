"""A reader of events: one line a call at `info`; at `debug` a block with each step and the curl command.

No key is ever logged: targets are sealed, everything else passes the redactor. Nor is the text of a prompt, which a
provider's sentence may quote, unless the setting `log.bodies` wants it.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Sequence
from typing import Final

from daemon.log.output import DRIVING
from daemon.model import Call, Event, Reading
from daemon.phrases import phrase, teller
from daemon.redact import Redactor

Tell = Callable[..., str]
"""`tell(name, **values)` says a phrase in the language of the log."""

ENGLISH: Tell = teller("en")

_calls = logging.getLogger("sluice.call")
_log = logging.getLogger("sluice.log")
_SHOWN_HEADERS = ("ratelimit", "retry-after", "request-id", "content-type")

_LINE_BREAKING = re.compile(rf"[\t\n{DRIVING}]")
"""What could drive a terminal, and line ends: a model's name must not look like one more line of the log."""

QUOTED = 16
"""So many letters in a row that also stand in the prompt are a quotation of it."""


class CallLog:
    """A reader of the gateway. A call's lines come together when it has ended, so that those of others are not between.

    CURL_OF gives the command of a call, and is told whether it failed. BODIES says whether prompts may be logged.
    LANGUAGE is that of the words; what programs look for, such as ids, `model=` and numbers, is the same in all.
    """

    def __init__(
        self,
        redactor: Redactor,
        curl_of: Callable[[Call, bool], str],
        bodies: Callable[[], bool] = lambda: False,
        language: str = "en",
    ) -> None:
        self._tell = teller(language)
        self._redactor = redactor
        self._curl_of = curl_of
        self._bodies = bodies
        self._blocks: dict[str, list[tuple[float, str]]] = {}
        """Lines of calls that have not ended, with their times."""

    def __call__(self, events: Sequence[Event]) -> None:
        """Log what is worth a line. What breaks one call's lines is told, and costs no other call its own."""
        steps, ends = _calls.isEnabledFor(logging.DEBUG), _calls.isEnabledFor(logging.INFO)
        if not steps:
            self._blocks.clear()  # the level was changed meanwhile
        for event in events:
            if not (steps or (ends and event.final)):
                continue
            try:
                if steps:
                    self._step(event)
                if event.final:
                    _tell(logging.INFO, event.call, event.at, self._clean(event, summary(event, self._tell)))
            except Exception:
                _log.exception(phrase("log.broke_reader"))

    def _step(self, event: Event) -> None:
        """Keep the lines of a step of a call that has not ended; with its end, log all."""
        block = self._blocks.pop(event.call.id, [])
        block += [(event.at, self._clean(event, line)) for line in steps(event, self._tell)]
        if event.final:
            for at, line in [*block, *[(event.at, line) for line in self._command(event)]]:
                _tell(logging.DEBUG, event.call, at, line)
            return
        self._blocks[event.call.id] = block
        if waits := waiting(event, self._tell):  # the block comes late, and who looks at the log wants to know why
            _tell(logging.DEBUG, event.call, event.at, self._clean(event, waits))

    def _command(self, event: Event) -> list[str]:
        """The lines of the curl command: notes, and the command itself on one line, to be copied from its beginning."""
        lines = self._curl_of(event.call, event.kind == "failed").split("\n")
        return [self._tell("log.same"), *[_LINE_BREAKING.sub("\N{REPLACEMENT CHARACTER}", x) for x in lines]]

    def _clean(self, event: Event, text: str) -> str:
        if event.kind == "failed" and not self._bodies():
            text = without_quotations(text, prompt_of(event.call))
        return _LINE_BREAKING.sub("\N{REPLACEMENT CHARACTER}", self._redactor.scrub(text, event.call.secrets()))


def _tell(level: int, call: Call, at: float, text: str) -> None:
    """Log a line about CALL that happened at that time."""
    _calls.handle(_Line(level, call, at, text))


class _Line(logging.LogRecord):
    """A record of what is the same for all calls, and four things that are not: that of the library looks for the file
    and the line of each, which nobody is told."""

    _same: Final = vars(logging.LogRecord(_calls.name, logging.INFO, "", 0, "%s  %s", (), None))

    def __init__(self, level: int, call: Call, at: float, text: str) -> None:
        self.__dict__.update(self._same)
        self.levelno, self.levelname = level, logging.getLevelName(level)
        self.created, self.msecs = at, at % 1 * 1000
        self.args, self.call = (call.id, text), call.id


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


def summary(event: Event, tell: Tell = ENGLISH) -> str:
    """One line for a call that has ended; its id stands before it."""
    call = event.call
    parts = [call.method, call.origin.host + str(call.target).partition("?")[0], call.model or "-"]
    parts.append(tell("log.cancelled") if event.kind == "cancelled" else status(event, tell))
    parts.append(tell("log.seconds", seconds=max(0.0, event.at - call.arrived_at)))
    if event.attempt != 1:
        parts.append(tell("log.attempts", n=event.attempt))
    if event.usage is not None:
        name = "log.tokens" if event.usage.reported else "log.about_tokens"
        parts.append(tell(name, input=event.usage.input, output=event.usage.output))
    if event.explanation is not None:
        parts.append(f"{event.explanation.finding.subtype}: {event.explanation.line}")
    elif event.reason:
        parts.append(tell("log.reason", why=event.reason))
    return " ".join(parts)


def status(event: Event, tell: Tell = ENGLISH) -> str:
    """The status of the answer, or that there was none."""
    return str(event.status) if event.kind == "done" or event.status else tell("log.no_answer")


def waiting(event: Event, tell: Tell = ENGLISH) -> str:
    """What a call that has not ended waits for, or nothing."""
    if event.kind == "queued" and event.reason:
        return tell("log.in_queue", why=event.reason)
    return steps(event, tell)[0] if event.kind == "held" else ""


def steps(event: Event, tell: Tell = ENGLISH) -> list[str]:
    """The lines that a debug log shows for one event."""
    match event.kind:
        case "queued":
            return [came_in(event, tell)]
        case "admitted":
            return [tell("log.admitted", wait=event.wait_s or 0.0, attempt=event.attempt)]
        case "sent":
            return [tell("log.sent", url=event.call.origin.url)]
        case "answered":
            kept = [f"{n}: {v}" for n, v in event.headers if any(word in n.lower() for word in _SHOWN_HEADERS)]
            said = [*kept, *[tell("log.says", limit=limit(reading, tell)) for reading in event.readings]]
            return [tell("log.answered", status=str(event.status)), *(f"    {line}" for line in said)]
        case "first_byte":
            return [tell("log.first_byte")]
        case "failed":
            return [failed(event, tell)]
        case "held":
            return [tell("log.held", wait=event.wait_s or 0.0, why=event.reason)]
        case "done":
            return [tell("log.done", n=event.bytes_out)]
        case _:
            return [tell("log.cancelled_why", why=event.reason)]


def came_in(event: Event, tell: Tell = ENGLISH) -> str:
    """The line of a call that has come in; the words behind `=` are those of the protocol."""
    call = event.call
    about = f"{call.method} {call.origin.host}{call.target} model={call.model or '-'} client={call.client}"
    size = f"priority={call.priority.name.lower()} body={len(call.body)} B"
    line = tell("log.queued", about=f"{about} {size}", tokens=call.estimate.total)
    return tell("log.queued_why", line=line, why=event.reason) if event.reason else line


def failed(event: Event, tell: Tell = ENGLISH) -> str:
    """The line of a call that has failed: how, by which rule that is known, and what the system said."""
    finding = event.explanation.finding if event.explanation is not None else None
    how = tell("log.by_rule", subtype=finding.subtype, rule=str(finding.rule)) if finding is not None else event.reason
    detail = f" ({event.failure.detail})" if event.failure is not None and event.failure.detail else ""
    return tell("log.failed", status=status(event, tell), how=how, detail=detail)


def limit(reading: Reading, tell: Tell = ENGLISH) -> str:
    """`requests: 59 of 60 left, full again in 12.0 s`, as far as the header says it."""
    match reading.remaining, reading.limit:
        case None, None:
            left = "?"
        case None, allowed:
            left = tell("log.allowed", limit=f"{allowed:g}")
        case rest, None:
            left = tell("log.left", left=f"{rest:g}")
        case rest, allowed:
            left = tell("log.left_of", left=f"{rest:g}", limit=f"{allowed:g}")
    if reading.reset_s is not None:
        left = tell("log.full_in", left=left, seconds=reading.reset_s)
    return f"{reading.dimension}: {left}"
