"""Events to stories, and these to rows. Everything passes the redactor here; bodies go to files here."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Any, Final, Literal

from daemon.journal.bodies import Bodies, Part
from daemon.journal.plain import as_json, text
from daemon.journal.story import ASKED, Book, Row, Story
from daemon.model import Call, Event, Failure, Headers, Reading, Usage
from daemon.packed import coding_of, is_clean, is_legible
from daemon.phrases import told
from daemon.redact import Redactor, Sealed, Secret, Withheld, withhold

Policy = Literal["failed", "all", "none"]

MAX_FAILURE_BODY: Final = 64 << 10
"""Characters of a failure's body in its row; what explains it is at its beginning."""

MAX_STORIES: Final = 50_000

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
    """Of the database, the bodies, and copies of the database that were put aside, together."""
    max_age_s: float = 30 * 86400.0
    max_body_bytes: int = 16 << 20


class Rows:
    """Keeps the stories of calls that run, and of those that wait to be written. Used by the writer thread alone."""

    def __init__(
        self, redactor: Redactor, keeping: Keeping, bodies: Bodies, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """CLOCK: seconds, for how long something has not been written."""
        self._redactor = redactor
        self._clock = clock
        self.keeping = keeping
        self.bodies = bodies
        self.keep_bodies = True
        """False while the disk is nearly full."""
        self.stories: dict[str, Story] = {}
        """Those of calls that run."""
        self.news: list[Story] = []
        """Those of which something is not in the file, oldest news first."""
        self._number = 0

    def note(self, event: Event) -> None:
        """Add EVENT to its call's story. Raises OSError for a body that cannot be kept; nothing is noted then."""
        if event.at != event.at:
            raise ValueError("an event at no time")
        call, ended = event.call, event.kind in ENDED and (event.kind != "failed" or event.final)
        kept = self._kept(event) if ended else {}
        story = self.stories.get(call.id) or self._begin(call)
        if event.kind in _MOVES:
            self._move(story, call)
        said = event.explanation.line if event.explanation else event.reason
        line = text(self._scrubbed(told(said, call.language or "en"), story)) or None if said else None
        story.steps.append((event.at, event.kind, event.attempt, event.status, event.wait_s, line))
        _TAKE[event.kind](self, story, event, line)
        if story.since is None:
            story.since = self._clock()
            self.news.append(story)
        if ended:
            story.ended = True
            story.row.update(kept)
            story.used = _used(story, event)
            del self.stories[call.id]

    def due(self, runs_on_s: float) -> list[Story]:
        """What to write now: calls that have ended, and news of running ones that are RUNS_ON_S old."""
        now = self._clock()
        return [story for story in self.news if story.ended or (story.since or 0.0) <= now - runs_on_s]

    def rest(self) -> None:
        """Forget the news that have been written."""
        self.news = [story for story in self.news if story.since is not None]

    def renumber(self, last: int) -> None:
        """Another file is open, or the same anew, where LAST is the highest number so far: nothing is taken to be in
        it, and what is told from now on is numbered from there."""
        self._number = last
        told_of = dict.fromkeys((*self.news, *self.stories.values()))
        for story in sorted(told_of, key=lambda story: story.n):
            self._number += 1
            story.n, story.stored = self._number, False

    def shed(self, most: int) -> int:
        """Keep the newest MOST of the news; return how many steps are lost."""
        lost = self.news[: max(0, len(self.news) - most)]
        del self.news[: len(lost)]
        steps = sum(len(story.steps) for story in lost)
        for story in lost:
            story.settle(False)
        return steps

    def _begin(self, call: Call) -> Story:
        if len(self.stories) >= MAX_STORIES:  # some lost their end when the queue was full
            del self.stories[next(iter(self.stories))]
        self._number += 1
        secrets = call.secrets()
        asked = self._asked(call, secrets)
        story = self.stories[call.id] = Story(self._number, secrets, asked, _names(asked))
        return story

    def _asked(self, call: Call, secrets: tuple[Secret, ...]) -> tuple[Any, ...]:
        """The values of ASKED."""
        target = as_json(pieces(call.target))
        headers = as_json([[name, pieces(withhold(name, value))] for name, value in call.headers])
        texts = (call.ref, call.client, call.model, call.method, call.scope.group, target, headers)
        together = "\n".join([word or "" for word in texts])
        if self._redactor.scrub(together, secrets) != together or text(together) != together:
            # Nobody's name is a key, as a rule: one look at all of them.
            texts = tuple(word and text(self._redactor.scrub(word, secrets)) for word in texts)  # type: ignore[assignment]
        ref, client, model, method, pool, target, headers = texts
        origin = call.origin
        return (
            call.id, ref, client, int(call.priority), call.arrived_at, origin.host, origin.url, origin.provider,
            call.scope.key, pool, call.ask.kind, model, call.stream, method, target, headers, call.estimate.total,
            len(call.body),
        )  # fmt: skip

    def _move(self, story: Story, call: Call) -> None:
        """The row tells of what was sent last, and so does the ledger; the steps tell how it came to that."""
        secrets = call.secrets()
        story.secrets = tuple(dict.fromkeys((*story.secrets, *secrets)))
        story.asked, story.moved = self._asked(call, secrets), True
        story.names = _names(story.asked)

    def _step_alone(self, story: Story, event: Event, line: str | None) -> None:
        pass

    def _joined(self, story: Story, event: Event, line: str | None) -> None:
        if event.company is not None:
            row = story.row
            row["state"], row["how"], row["answered_with"] = "running", event.company.how, event.company.call
            row["waited_s"] = max(row["waited_s"], event.wait_s or 0.0)

    def _admitted(self, story: Story, event: Event, line: str | None) -> None:
        before = story.attempts.get(event.attempt - 1)
        back_at = before["ended_at"] if before is not None else None  # an attempt's wait is told from the arrival on
        story.row["state"] = "running"
        story.row["waited_s"] += (event.wait_s or 0.0) if back_at is None else max(0.0, event.at - back_at)

    def _sent(self, story: Story, event: Event, line: str | None) -> None:
        row = story.row
        row["state"], row["attempts"] = "running", event.attempt
        row["sent_at"] = row["sent_at"] or event.at
        story.attempt(event.attempt)["sent_at"] = event.at

    def _answered(self, story: Story, event: Event, line: str | None) -> None:
        attempt = story.attempt(event.attempt)
        attempt["answered_at"], attempt["status"] = event.at, event.status
        attempt["headers"] = self._headers(event.headers, story)
        attempt["readings"] = as_json([stated(reading) for reading in event.readings]) if event.readings else None

    def _first_byte(self, story: Story, event: Event, line: str | None) -> None:
        story.row["first_byte_at"] = story.row["first_byte_at"] or event.at
        story.attempt(event.attempt)["first_byte_at"] = event.at

    def _held(self, story: Story, event: Event, line: str | None) -> None:
        story.row["state"] = "held"

    def _failed(self, story: Story, event: Event, line: str | None) -> None:
        explanation = event.explanation
        finding = explanation.finding if explanation else None
        kinds = {"subtype": finding.subtype if finding else None, "family": finding.family if finding else None}
        if event.attempt and event.failure:
            self._failure(story.attempt(event.attempt), story, event, event.failure)
            story.attempt(event.attempt).update(subtype=kinds["subtype"], line=line)
        if event.final:
            whole = self._scrubbed(as_json(explanation.as_json()), story) if explanation else None
            story.row.update(
                state="failed", ended_at=event.at, status=event.status, line=line, explanation=whole,
                **kinds, **_tokens(event.usage),
            )  # fmt: skip

    def _failure(self, attempt: Row, story: Story, event: Event, failure: Failure) -> None:
        body = None
        legible = is_legible(failure.body, coding_of(failure.headers))
        if self.keeping.bodies != "none" and failure.body and legible:
            # Scrubbed before it is cut: half a key at the end would not be recognised.
            body = text(self._scrubbed(failure.body.decode("utf-8", "replace"), story)[:MAX_FAILURE_BODY])
        attempt.update(
            ended_at=event.at,
            status=attempt["status"] if event.status is None else event.status,
            fault=failure.fault,
            sent=failure.sent,
            headers=attempt["headers"] or self._headers(failure.headers, story),
            detail=text(self._scrubbed(failure.detail, story)) or None,
            body=body,
        )

    def _cancelled(self, story: Story, event: Event, line: str | None) -> None:
        story.row.update(state="cancelled", ended_at=event.at, line=line, **_tokens(event.usage))
        self._end_attempt(story, event)

    def _done(self, story: Story, event: Event, line: str | None) -> None:
        row = story.row
        row["state"], row["ended_at"], row["status"] = "done", event.at, event.status
        row["answer_bytes"] = event.bytes_out
        row.update(_tokens(event.usage))
        self._end_attempt(story, event)

    def _end_attempt(self, story: Story, event: Event) -> None:
        if event.attempt in story.attempts:
            story.attempts[event.attempt]["ended_at"] = event.at

    def _kept(self, event: Event) -> Row:
        """Write the bodies that the policy wants into their files. The files come first: a row never lies."""
        if not self.wants(event.kind == "failed"):
            return {}
        policy = self.keeping.bodies
        clean = self._is_clean(event.call)
        request, changed = self._keep(event.call, "request", event.call.body if clean else b"")
        answer, _ = self._keep(event.call, "answer", (event.body or b"") if policy == "all" else b"")
        return {"body_kept": request, "body_changed": changed, "answer_kept": answer}

    def wants(self, failed: bool, size: int = 0) -> bool:
        """True if a body of SIZE is kept of a call that ended so."""
        policy = self.keeping.bodies
        return (
            self.keep_bodies
            and (policy == "all" or (policy == "failed" and failed))
            and size <= self.keeping.max_body_bytes
        )

    def keeps(self, call: Call, failed: bool) -> bool:
        """True if the request of a call that ended so is kept."""
        return bool(call.body) and self.wants(failed, len(call.body)) and self._is_clean(call)

    def _is_clean(self, call: Call) -> bool:
        """False for a request that came compressed and in which there is a key, or may be: without the key it would be
        another one, and nobody could repeat it."""
        coding, most = coding_of(call.headers), self.keeping.max_body_bytes
        return not coding or (len(call.body) <= most and is_clean(call.body, coding, call.secrets(), most))

    def _keep(self, call: Call, part: Part, data: bytes) -> tuple[int, bool]:
        """Keep DATA; return its size in the file (0: not kept) and whether a key was taken out."""
        if not data or len(data) > self.keeping.max_body_bytes:
            return 0, False
        clean = self._redactor.scrub_bytes(data, call.secrets())
        self.bodies.keep(call.id, part, clean)
        return len(clean), clean != data

    def _headers(self, headers: Headers, story: Story) -> str | None:
        """Fields of an answer: the values of known names, of the others the length."""
        if not headers:
            return None
        listed = [[name, value if _is_shown(name) else None, len(value)] for name, value in headers]
        return self._scrubbed(as_json(listed), story)

    def _scrubbed(self, words: str, story: Story) -> str:
        return self._redactor.scrub(words, story.secrets) if words else words


_MOVES: Final = frozenset({"keyed", "rerouted"})
_TAKE: Final[dict[str, Callable[[Rows, Story, Event, str | None], None]]] = {
    "queued": Rows._step_alone, "joined": Rows._joined, "left": Rows._step_alone,
    "keyed": Rows._step_alone, "rerouted": Rows._step_alone,
    "admitted": Rows._admitted, "sent": Rows._sent, "answered": Rows._answered,
    "first_byte": Rows._first_byte, "failed": Rows._failed, "held": Rows._held, "done": Rows._done,
    "cancelled": Rows._cancelled,
}  # fmt: skip


@lru_cache(maxsize=1024)  # the same few names come with every answer
def _is_shown(name: str) -> bool:
    return bool(SHOWN.match(name))


def _names(asked: tuple[Any, ...]) -> tuple[str, str, str, str]:
    """Host, key, model and client, of the values of ASKED."""
    named = dict(zip(ASKED, asked, strict=True))
    return named["host"], named["key"], named["model"] or "-", named["client"]


def _tokens(usage: Usage | None) -> Row:
    """Columns of `calls` for what was used, if it is known."""
    if usage is None:
        return {}
    return {
        "input_tokens": usage.input, "output_tokens": usage.output, "cached_tokens": usage.cached_input,
        "written_tokens": usage.cache_write, "usage_reported": usage.reported,
    }  # fmt: skip


def _used(story: Story, event: Event) -> tuple[Book, tuple[int, ...]] | None:
    """What the call adds to the ledger. One that was never sent adds nothing, nor one whose client left before
    anything came."""
    if not event.attempt or (event.kind == "cancelled" and event.usage is None):
        return None
    usage = event.usage or Usage()
    day = time.strftime("%Y-%m-%d", time.localtime(event.at))
    amounts = (usage.input, usage.output, usage.cached_input, usage.cache_write, int(not usage.reported))
    return (day, *story.names), (1, int(event.kind == "failed"), *amounts)


def stated(reading: Reading) -> dict[str, Any]:
    """What READING says, without what it does not."""
    return {name: value for name in _READING if (value := getattr(reading, name)) is not None}


def pieces(sealed: Sealed) -> list[Any]:
    """SEALED for JSON: plain pieces as strings, secrets as their bucket names, what is withheld as its length."""
    return [part if isinstance(part, str) else _piece(part) for part in sealed.parts]


def _piece(part: Secret | Withheld) -> dict[str, Any]:
    return {"withheld": part.length} if isinstance(part, Withheld) else {"secret": part.name}
