"""One attempt: sent, its answer looked into, and what the pacer learns of it.

Whatever comes of it, the permit is given back and the readers hear of it; what the client does not wait for is done
`later`, while the network works.
"""

from __future__ import annotations

from collections.abc import Callable

from daemon.explain import Catalogue
from daemon.gateway.afterwards import Afterwards
from daemon.gateway.delivery import Delivery
from daemon.gateway.inspect import Opened, look_inside, readings_of
from daemon.gateway.intake import provider_of
from daemon.gateway.oddities import tell_odd_wait
from daemon.gateway.outcome import NoLuck, Whole, forbids_resend
from daemon.gateway.party import Party
from daemon.gateway.spare import Spare
from daemon.gateway.telling import Teller
from daemon.model import Call, Event, Failure, Reply, mark
from daemon.pacing import Pacer, Permit
from daemon.upstream import Response, StreamCut, Upstream


class Attempts:
    """Sends once what has a permit."""

    def __init__(
        self,
        pacer: Pacer,
        catalogue: Catalogue,
        upstream: Upstream,
        tell: Teller,
        delivery: Delivery,
        spare: Spare,
        wall: Callable[[], float],
    ) -> None:
        """WALL: Unix time."""
        self._pacer = pacer
        self._catalogue = catalogue
        self._upstream = upstream
        self._tell = tell
        self._delivery = delivery
        self._spare = spare
        self._wall = wall

    async def alone(self, call: Call, permit: Permit, attempt: int) -> Reply | NoLuck:
        """Send a call by itself. Either the reply for the client, or what went wrong and how it may go on."""
        answer: Response | Failure | None = None
        reply: Reply | None = None
        later = Afterwards()
        try:
            answer = await self._answer_to(call, call, permit, attempt, later)
            if isinstance(answer, Failure):
                return self._lost(answer, permit)
            opened = await self._opened(call, permit, answer, attempt, later)
            if isinstance(opened, NoLuck):
                return opened
            reply = self._delivery.reply(call, permit, answer, opened, attempt, later)
            return reply
        finally:
            if reply is None:
                later.run()
                self._close(permit, answer)

    async def together(self, party: Party, permit: Permit, number: int) -> Whole | NoLuck:
        """Send a party once, and read the answer to its end."""
        call, answer, later = party.lead.call, None, Afterwards()
        try:
            answer = await self._answer_to(call, permit.call, permit, number, later)
            if isinstance(answer, Failure):
                return self._lost(answer, permit)
            opened = await self._opened(call, permit, answer, number, later)
            if isinstance(opened, NoLuck):
                return opened
            later.run()
            body = b"".join([opened.first, *[chunk async for chunk in opened.rest]])
            permit.settle(provider_of(call.origin).read_usage(body))
            return Whole(answer.status, answer.reason, answer.headers, body)
        except StreamCut as cut:
            return self._lost(cut.failure, permit)
        finally:
            later.run()
            self._close(permit, answer)

    def _close(self, permit: Permit, answer: Response | Failure | None) -> None:
        """The end of an attempt that has no reply. Who left before anything of the call had gone out has used up
        nothing."""
        if isinstance(answer, Response):
            answer.close()
        if answer is None and not permit.gone:
            self._pacer.give_back(permit)
        else:
            permit.release()

    async def _answer_to(
        self, call: Call, sent: Call, permit: Permit, attempt: int, later: Afterwards
    ) -> Response | Failure:
        """Send, on behalf of CALL, what is SENT. The readers are told when it has gone, or a connection is waited for:
        its answer is not there yet, and there is time."""
        now = self._wall()
        self._tell.tally(call).sent(now)

        def told() -> None:
            self._tell.emit(Event("admitted", call, now, attempt, wait_s=permit.waited_s))
            self._tell.emit(Event("sent", call, now, attempt))

        def left() -> None:
            permit.left()
            later.run()

        later.add(told)

        def waits() -> None:
            permit.charge()
            later.run()

        return await self._upstream.send(sent, left, waits)

    async def _opened(
        self, call: Call, permit: Permit, answer: Response, attempt: int, later: Afterwards
    ) -> Opened | NoLuck:
        """The beginning of a success, or what else it was. The pacer has learned from what is none; from a success it
        does LATER, so that the client does not wait for it."""
        now, opened = self._wall(), None
        later.add(lambda: self._learn(call, permit, answer, attempt, now, sure=isinstance(opened, Opened)))
        answer.meanwhile = later.run
        opened = await look_inside(call, answer)
        if isinstance(opened, Opened):
            if not permit.unanswered:  # it was told of the headers while the beginning was waited for
                later.add(lambda: permit.answered(answer.status, (), streamed=call.stream))
            self._tell.tally(call).succeeded(self._wall(), call.scope.group)
            return opened
        self._spare.run()  # what went well before this failure comes before it
        later.run()
        if opened.fault is not None:
            return self._lost(opened, permit)
        tell_odd_wait(call.origin.host, answer.headers, now)
        finding = self._catalogue.classify(opened, self._wall())
        setback = permit.refused(finding, readings_of(call, answer, now))
        if setback is not None and forbids_resend(answer):
            return NoLuck(opened, finding.seen(mark("not_again")), None)
        return NoLuck(opened, finding, setback)

    def _lost(self, failure: Failure, permit: Permit) -> NoLuck:
        self._spare.run()
        finding = self._catalogue.classify(failure, self._wall())
        setback = permit.lost(failure.fault or "reset", failure.sent)
        if setback is None and failure.fault == "offline":
            finding = finding.seen(mark("waited", setting=self._pacer.patience_of(permit.call)))
        return NoLuck(failure, finding, setback)

    def _learn(self, call: Call, permit: Permit, answer: Response, attempt: int, came: float, *, sure: bool) -> None:
        """Let the pacer and the readers know what the headers say, which CAME then (Unix time). SURE: it is no error
        that hides behind them."""
        readings = readings_of(call, answer, came)
        permit.answered(answer.status, readings, streamed=call.stream, sure=sure)
        event = self._tell.event(
            "answered", call, attempt, at=came, status=answer.status, headers=answer.headers, readings=readings
        )
        self._tell.emit(event)
