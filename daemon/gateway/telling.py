"""Tells the readers of events (journal, log, progress) what happens to a call, and a failure in words."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from daemon.explain import Catalogue
from daemon.gateway.spare import Spare
from daemon.gateway.tally import Refused, Tally
from daemon.model import Call, Event, EventKind, Failure, Finding, Headers, Reading, Situation
from daemon.pacing.block import blocks
from daemon.phrases import phrase
from daemon.redact import Redactor

Sink = Callable[[Event], None]
"""Is told of each event when it happens."""
Reader = Callable[[Sequence[Event]], None]
"""Is handed what has happened, some events at a time, in order."""

MODEL_FULL = ("rate", "capacity")
"""Families of failures where another model may be the way out."""

MOST_TALLIES = 64
"""Keys of which it is remembered when their calls went; then those that were used longest ago are forgotten."""

_log = logging.getLogger("sluice.gateway")


class Teller:
    """Makes events and hands them to all sinks."""

    def __init__(
        self,
        catalogue: Catalogue,
        redactor: Redactor,
        sinks: Iterable[Sink],
        language: str,
        wall: Callable[[], float],
        room: Callable[[Call], tuple[str, ...]] = lambda call: (),
        *,
        readers: Iterable[Reader] = (),
        spare: Spare | None = None,
    ) -> None:
        """ROOM: which other models could take a call now. SPARE: when READERS are handed what has happened."""
        self._catalogue = catalogue
        self._redactor = redactor
        self._sinks = tuple(sinks)
        self._readers = tuple(readers)
        self._spare = Spare() if spare is None else spare
        self._unread: list[Event] = []
        self._language = language
        self._wall = wall
        self._room = room
        self._tallies: dict[tuple[str, str], Tally] = {}

    def failed(
        self,
        call: Call,
        failure: Failure,
        finding: Finding,
        attempt: int,
        *,
        final: bool = False,
        resend_in_s: float | None = None,
    ) -> Event:
        """A failed attempt, in words."""
        now, tally = self._wall(), self.tally(call)
        situation = Situation(
            call_id=call.id,
            host=call.origin.host,
            model=call.model,
            attempts=attempt,
            calls_last_minute=tally.last_minute(now),
            last_success_s=tally.since_success(now),
            resend_in_s=resend_in_s,
            key_variable=call.way.variable if call.way is not None else None,
            waited_s=max(0.0, now - call.arrived_at),
            room=self._room(call) if finding.family in MODEL_FULL else (),
        )
        clean = without_keys(finding, call, self._redactor)
        words = self._catalogue.explain(clean, situation, call.language or self._language, now=now)
        event = self.event("failed", call, attempt, status=failure.status, headers=failure.headers, final=final)
        return replace(event, failure=failure, explanation=words, body=failure.body)

    def refused(self, call: Call, failure: Failure, finding: Finding) -> None:
        """CALL is lost to FAILURE: keep it for those who are held back for it, if anybody is."""
        about = blocks(finding)
        if about is not None and failure.body:
            group = call.scope.group if about == "pool" else None
            self.tally(call).refused = Refused(failure, finding.subtype, group)

    def answer_again(self, call: Call, finding: Finding) -> Failure:
        """A Failure for a finding that we give without asking the upstream: its last answer of that kind, if any."""
        last = self.tally(call).refused
        alike = last is not None and (last.subtype, last.failure.status) == (finding.subtype, finding.status)
        if last is not None and alike and last.group in (None, call.scope.group):
            return replace(last.failure, model=call.model)
        origin = call.origin
        return Failure(status=finding.status or 429, host=origin.host, provider=origin.provider, model=call.model)

    def event(
        self,
        kind: EventKind,
        call: Call,
        attempt: int,
        *,
        at: float | None = None,
        status: int | None = None,
        headers: Headers = (),
        readings: tuple[Reading, ...] = (),
        wait_s: float | None = None,
        reason: str = "",
        final: bool = False,
    ) -> Event:
        return Event(
            kind,
            call,
            self._wall() if at is None else at,
            attempt,
            status=status,
            headers=headers,
            readings=readings,
            wait_s=wait_s,
            reason=reason,
            final=final,
        )

    def emit(self, event: Event) -> None:
        for sink in self._sinks:
            try:
                sink(event)
            except Exception:  # a reader that breaks must not lose a call
                _log.exception(phrase("log.broke_reader"))
        self._unread.append(event)
        if len(self._unread) == 1:
            self._spare.add(self._hand_over)

    def _hand_over(self) -> None:
        """Let the readers have what has happened."""
        events, self._unread = self._unread, []
        for reader in self._readers:
            try:
                reader(events)
            except Exception:
                _log.exception(phrase("log.broke_reader"))

    def tally(self, call: Call) -> Tally:
        key = call.scope.host, call.scope.key
        found = self._tallies.get(key)
        if found is None:
            if len(self._tallies) >= MOST_TALLIES:
                self._forget_old()
            found = self._tallies[key] = Tally()
        return found

    def _forget_old(self) -> None:
        """Half of the tallies, beginning with those whose last call was longest ago."""
        ranked = sorted(self._tallies.items(), key=lambda item: item[1].last_sent)
        self._tallies = dict(ranked[len(ranked) // 2 :])


def without_keys(finding: Finding, call: Call, redactor: Redactor) -> Finding:
    """FINDING as it may be told: the keys of CALL are not in what the provider said."""
    return replace(finding, original=redactor.scrub(finding.original, call.secrets()))
