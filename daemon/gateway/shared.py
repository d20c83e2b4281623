"""Calls that share: identical ones are sent once, answers that are kept are given again, small ones go in a batch.

A call that shares something is sent by a task of its own, so that it goes on as long as anybody waits for it, whoever
has left. The row in the journal of the call that is sent tells of the sending; every other call has its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import replace

from daemon.errors import Cancelled, Refusal
from daemon.gateway.answers import explained
from daemon.gateway.batches import Batches
from daemon.gateway.identity import name_of
from daemon.gateway.joint import Joint, Listener, TooSlow
from daemon.gateway.kept import Kept
from daemon.gateway.outcome import ours, same_for, without_ours
from daemon.gateway.telling import Teller
from daemon.gateway.under_way import Stop, UnderWay
from daemon.gateway.wishes import NOTHING
from daemon.model import Call, Company, Event, EventKind, Headers, Priority, Reply, Sharing, Usage, mark
from daemon.pacing import Pacer
from daemon.phrases import phrase
from daemon.upstream import StreamCut, failure_of


class Shared:
    """Answers calls together. `carry` sends one call to its answer."""

    def __init__(
        self,
        carry: Callable[[Call], Awaitable[Reply]],
        pacer: Pacer,
        tell: Teller,
        under_way: UnderWay,
        batches: Batches,
        kept: Kept,
    ) -> None:
        self._carry = carry
        self._pacer = pacer
        self._tell = tell
        self._under_way = under_way
        self._batches = batches
        self._batches.on_free = self._free
        self.kept = kept
        self.coalesced = 0
        """Calls that got the answer of an identical one."""
        self._by_name: dict[str, Joint] = {}
        self._by_lead: dict[str, Joint] = {}
        under_way.ended = self._ended

    async def send(self, call: Call) -> Reply:
        """Answer CALL as `Gateway.send` does."""
        sharing = call.sharing or NOTHING
        if sharing.cache == "on" and (reply := await self._looked_up(call)) is not None:
            return reply
        if not sharing.coalesce and not sharing.batch:
            return await self._sent(call)
        name = self._name(call, sharing)
        joint = self._by_name.get(name) if name is not None else None
        if joint is not None and joint.open:
            return await self._as_mate(joint, call)
        return await self._as_lead(self._begun(call, name), call)

    def leave(self, call_id: str, why: Stop) -> bool:
        """The client of a call that is sent for others, too, shall get no answer; False where the call shall end."""
        joint = self._by_lead.get(call_id)
        listener = joint.listeners.get(call_id) if joint is not None else None
        if joint is None or (len(joint.listeners) < 2 and listener and not self._batches.leads_others(call_id)):
            return False
        if listener is not None and listener.task is not None and not listener.task.done():
            listener.stop = why
            listener.task.cancel()
        return True

    def promote(self, call_id: str, priority: Priority) -> bool:
        """A call that waits for the answer of an identical one shall have it earlier; False if there is none."""
        joint = next((one for one in self._by_lead.values() if call_id in one.listeners), None)
        if joint is None or not self._pacer.promote(joint.lead.id, priority):
            return False
        joint.priority = min(joint.priority, priority)
        return True

    def held(self, call: Call) -> None:
        """CALL goes back to its queue: there it stands where the most urgent of those who wait for it belongs."""
        joint = self._by_lead.get(call.id)
        if joint is not None and joint.priority < call.priority:
            asyncio.get_running_loop().call_soon(self._pacer.promote, call.id, joint.priority)

    async def _looked_up(self, call: Call) -> Reply | None:
        """The kept answer for CALL, which is under way from now on: it can end while the disk is asked."""
        self._under_way.begin(call)
        try:
            return await self.kept.answer(call)
        except BaseException as error:
            stop = self._stopped(call, error)
            raise error if stop is None else _told(same_for(call, stop.for_unsent())) from None

    # The sending

    def _name(self, call: Call, sharing: Sharing) -> str | None:
        """A call with a deadline of its own must not decide for others when it is too late."""
        if not sharing.coalesce or call.deadline_s is not None:
            return None
        # all three change what is done with it
        return f"{name_of(call)} {sharing.cache != 'off'} {call.explain != 'off'} {call.movable}"

    def _begun(self, call: Call, name: str | None) -> Joint:
        joint = self._by_lead[call.id] = Joint(call, name)
        if name is not None:
            self._by_name[name] = joint
        joint.task = asyncio.create_task(self._send(joint))
        return joint

    async def _send(self, joint: Joint) -> None:
        """Send, and hand on what comes. Never raises: what went wrong is told to the listeners."""
        try:
            reply = await self._sent(joint.lead)
            async with aclosing(reply.chunks):  # type: ignore[type-var]  # the gateway's bodies can be closed
                joint.begin(reply)
                async for chunk in reply.chunks:
                    await joint.add(chunk)
            joint.finish()
        except Exception as error:
            joint.finish(error)
        except asyncio.CancelledError:
            joint.finish(StreamCut(failure_of(joint.lead, "truncated", phrase("ended.as_asked"), sent=True)))
        finally:
            self._by_lead.pop(joint.lead.id, None)
            if joint.name is not None and self._by_name.get(joint.name) is joint:
                del self._by_name[joint.name]

    async def _sent(self, call: Call) -> Reply:
        return self.kept.keeping(call, await self._carry(call))

    def _ended(self, event: Event) -> None:
        """The end of a call that shares something."""
        self.kept.ended(event)
        joint = self._by_lead.get(event.call.id)
        if joint is not None:
            joint.end = event

    # Those who wait

    async def _as_lead(self, joint: Joint, call: Call) -> Reply:
        listener = joint.listen(call)
        listener.on_end = lambda how: self._left(joint, listener, how)
        try:
            reply = await listener.head()
        except BaseException as error:
            await listener.aclose()
            if isinstance(error, asyncio.CancelledError) and listener.stop is not None:
                raise _told(listener.stop.for_sent(call.id)) from None
            raise
        return replace(reply, chunks=listener)

    async def _as_mate(self, joint: Joint, call: Call) -> Reply:
        """Wait with others. The row of CALL says whose answer it gets."""
        self.coalesced += 1
        self._under_way.begin(call)
        reason = phrase("waits.same", call=joint.lead.id)
        self._tell.emit(self._tell.event("queued", call, 0, reason=reason))
        joined = self._tell.event("joined", call, 0, reason=phrase("shared.same", call=joint.lead.id))
        self._tell.emit(replace(joined, company=Company("same", joint.lead.id)))
        self._lift(joint, call.priority)
        listener = joint.listen(call)
        try:
            reply = await listener.head()
        except BaseException as error:
            self._left(joint, listener, error)
            raise self._own(call, error) from None
        if reply.explanation is not None and joint.end is not None:
            self._left(joint, listener, None)
            return self._refused(joint, joint.end, call, reply)
        self._tell.emit(self._tell.event("first_byte", call, 0))
        listener.on_end = lambda how: self._mate_ended(joint, listener, call, how)
        headers = (*without_ours(reply.headers), *self._mine(joint, call, reply))
        return Reply(call, reply.status, reply.reason, headers, listener)

    def _lift(self, joint: Joint, priority: Priority) -> None:
        """Somebody more urgent waits for it now."""
        if priority < joint.priority:
            joint.priority = priority
            self._pacer.promote(joint.lead.id, priority)

    def _mine(self, joint: Joint, call: Call, reply: Reply) -> Headers:
        tries = next((value for name, value in reply.headers if name == "X-Sluice-Attempts"), "1")
        answered = tuple(pair for pair in reply.headers if pair[0] == "X-Sluice-Answered-By")
        return (*ours(call, int(tries)), ("X-Sluice-Shared-With", joint.lead.id), *answered)

    def _own(self, call: Call, error: BaseException) -> BaseException:
        """The end of CALL before an answer began; return what its door shall be told."""
        if isinstance(error, Refusal):
            kind: EventKind = "cancelled" if isinstance(error, Cancelled) else "failed"
            self._under_way.end(self._tell.event(kind, call, 0, reason=error.message, final=True))
            return same_for(call, error)
        stop = self._stopped(call, error)
        return error if stop is None else _told(stop.for_sent(call.id))

    def _stopped(self, call: Call, error: BaseException) -> Stop | None:
        """The end of CALL that ERROR has stopped; return why, if somebody wanted that."""
        stop, reason = self._under_way.stopped(call.id, error), self._under_way.why(call.id, error)
        self._under_way.end(self._tell.event("cancelled", call, 0, reason=reason, final=True))
        return stop

    def _refused(self, joint: Joint, end: Event, call: Call, reply: Reply) -> Reply:
        """The failure of the sending, for the client of CALL."""
        event = self._failed(joint, end, call)
        self._under_way.end(event)
        if event.explanation is None or event.failure is None:
            raise RuntimeError("a failed event without an explanation")
        return explained(call, event.failure, event.explanation, self._mine(joint, call, reply))

    def _failed(self, joint: Joint, end: Event, call: Call) -> Event:
        """The end of CALL by the failure that END tells of, in its own words."""
        if end.failure is None or end.explanation is None:
            raise RuntimeError("the sending failed without a failure")
        finding = end.explanation.finding
        finding = finding.seen(mark("same", call=joint.lead.id))
        return self._tell.failed(call, end.failure, finding, 0, final=True)

    def _mate_ended(self, joint: Joint, listener: Listener, call: Call, how: BaseException | None) -> None:
        """The end of a body that was listened to."""
        self._left(joint, listener, how)
        end = joint.end
        if end is not None and end.kind == "failed" and (how is None or isinstance(how, StreamCut)):
            self._under_way.end(self._failed(joint, end, call))
        elif how is None:
            done = self._tell.event("done", call, 0, status=end.status if end else None, final=True)
            body = end.body if end else None
            self._under_way.end(replace(done, usage=Usage(), bytes_out=listener.size, body=body))
        elif isinstance(how, TooSlow):
            event = self._tell.event("cancelled", call, 0, reason=phrase("ended.too_slow"), final=True)
            self._under_way.end(event)
        else:
            self._stopped(call, how)

    def _left(self, joint: Joint, listener: Listener, how: BaseException | None) -> None:
        """Somebody waits no longer. When nobody is left, the sending ends."""
        if joint.listeners.pop(listener.call_id, None) is None or joint.finished:
            return
        joint.moved()
        if joint.listeners or self._batches.leads_others(joint.lead.id):
            if listener.call_id == joint.lead.id and how is not None:
                self._tell.emit(self._tell.event("left", joint.lead, 0, reason=self._why_left(listener, how)))
        elif listener.stop is not None and self._under_way.stop(joint.lead.id, listener.stop):
            joint.closing = True
        else:
            _stop(joint)

    def _why_left(self, listener: Listener, how: BaseException) -> str:
        if isinstance(how, TooSlow):
            return phrase("ended.too_slow")
        return listener.stop.reason if listener.stop is not None else self._under_way.why(listener.call_id, how)

    def _free(self, call_id: str) -> None:
        """The call leads nobody any more: if its own client has gone as well, it ends."""
        joint = self._by_lead.get(call_id)
        if joint is not None and not joint.listeners:
            _stop(joint)


def _stop(joint: Joint) -> None:
    """End the sending. Who comes in this instant begins anew."""
    joint.closing = True
    if joint.task is not None:
        joint.task.cancel()


def _told(refusal: Exception) -> Exception:
    """The answer to a client whose call somebody ended: its task goes on, to say so."""
    task = asyncio.current_task()
    if task is not None:
        task.uncancel()
    return refusal
