"""A success on its way to the client, and what its end says: of usage, and whether it was one."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from daemon.explain import Catalogue
from daemon.gateway.afterwards import Afterwards
from daemon.gateway.answers import Body, for_client
from daemon.gateway.copy import Copy
from daemon.gateway.inspect import GENERATING, Opened, failure_inside
from daemon.gateway.outcome import ours, question_of
from daemon.gateway.spare import Spare
from daemon.gateway.telling import Teller
from daemon.gateway.under_way import UnderWay
from daemon.model import Ask, Call, Estimate, Event, EventKind, Origin, Reply, Usage
from daemon.pacing import Permit
from daemon.phrases import phrase
from daemon.providers import UsageChunkRemover
from daemon.upstream import Response, StreamCut

_log: Final = logging.getLogger("sluice.gateway")


class Delivery:
    """Makes the replies of successes. What is settled when their bodies end is settled here."""

    def __init__(
        self,
        catalogue: Catalogue,
        tell: Teller,
        under_way: UnderWay,
        weigh: Callable[[Origin, Ask], Estimate],
        wall: Callable[[], float],
        spare: Spare,
    ) -> None:
        """WEIGH: how many tokens a text has. SPARE: when the ends are settled for which nobody waits."""
        self._catalogue = catalogue
        self._tell = tell
        self._under_way = under_way
        self._weigh = weigh
        self._wall = wall
        self._spare = spare
        self._at_once = Spare()

    def reply(
        self, call: Call, permit: Permit, answer: Response, opened: Opened, attempt: int, later: Afterwards
    ) -> Reply:
        """The reply for a success. From now on nothing is sent again."""
        now = self._wall()
        later.add(lambda: self._tell.emit(self._tell.event("first_byte", call, attempt, at=now)))
        status = 200 if call.ask.kind in GENERATING and answer.status < 300 else answer.status
        headers = (*for_client(answer.headers), *ours(call, attempt))

        def settled(how: BaseException | None, size: int, at: float) -> None:
            later.run()
            usage = None
            try:
                usage = self._usage(call, opened.copy)
                permit.settle(usage)
            finally:
                permit.release()
                self._under_way.end(self._end(call, answer, opened.copy, attempt, how, size, usage, at))

        def ending(how: BaseException | None, size: int) -> None:
            at, waits = self._wall(), how is None and call.sharing is None and permit.quiet()
            (self._spare if waits else self._at_once).add(lambda: settled(how, size, at))

        remover = UsageChunkRemover() if call.usage_asked else None
        body = Body(opened.first, opened.rest, opened.copy, answer, ending, later.run, remover)
        return Reply(call, status, answer.reason, headers, body, catch_up=later.run)

    def _usage(self, call: Call, copy: Copy) -> Usage | None:
        """What the provider reported; of a stream that reports nothing, or was not read to the end where the figures
        are, counted from the text that passed."""
        usage = copy.usage()
        text = copy.text() if usage is None or not copy.complete else ""
        if not text:
            return usage
        output = round(self._weigh(call.origin, Ask(model=call.model, text=text)).raw_input)
        if usage is None:
            return Usage(input=round(call.estimate.input), output=output, reported=False)
        return replace(usage, output=output, reported=False) if output > usage.output else usage

    def _end(
        self, call: Call, answer: Response, copy: Copy, attempt: int, how: BaseException | None, *about: Any
    ) -> Event:
        """The event for its end, also where we break over what it means: a call that did not end would keep the daemon
        from stopping."""
        try:
            return self._ending(call, answer, copy, attempt, how, *about)
        except Exception:
            _log.exception(phrase("log.broke_afterwards"))
            kind: EventKind = "done" if how is None else "cancelled"
            reason = "" if how is None else self._under_way.why(call.id, how)
            return self._tell.event(kind, call, attempt, status=answer.status, reason=reason, final=True)

    def _ending(
        self,
        call: Call,
        answer: Response,
        copy: Copy,
        attempt: int,
        how: BaseException | None,
        size: int,
        usage: Usage | None,
        at: float,
    ) -> Event:
        """The event for a body that ended AT that time: done, or failed when an error or a cut hid in it, or the client
        left."""
        if how is not None and not isinstance(how, StreamCut):
            reason = self._under_way.why(call.id, how)
            left = self._tell.event("cancelled", call, attempt, at=at, reason=reason, final=True)
            return replace(left, usage=usage or question_of(call))
        failure = how.failure if how is not None else failure_inside(call, answer, copy)
        if failure is not None:
            finding = self._catalogue.classify(failure, at)
            return replace(self._tell.failed(call, failure, finding, attempt, final=True), usage=usage)
        body = copy.for_journal()
        return Event("done", call, at, attempt, answer.status, usage=usage, final=True, body=body, bytes_out=size)
