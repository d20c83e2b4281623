"""Small calls that wait together go as one request. Each waits in the queue by itself; when one may go, those of its
kind that still wait join its permit, as far as limits allow.

A refusal of the whole request holds them together. When it is about the input, each half is sent by itself, and so
on, until the one that is refused is alone.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from daemon.errors import Refusal
from daemon.gateway.answers import for_client
from daemon.gateway.attempts import Attempts
from daemon.gateway.identity import kin_of
from daemon.gateway.intake import provider_of
from daemon.gateway.outcome import NoLuck, Retold, Trip, Whole, ours, same_for
from daemon.gateway.party import Failed, Party, Seat, Share
from daemon.gateway.sender import Sender
from daemon.gateway.telling import Teller
from daemon.gateway.under_way import UnderWay
from daemon.gateway.wishes import Rules
from daemon.model import Call, Company, Event, Headers, Reply, mark
from daemon.pacing import Joined, Pacer, Permit, Setback
from daemon.phrases import phrase
from daemon.providers import BatchLimits, NotApart, read_part

_OF_THE_BODY = frozenset({"content-length", "content-encoding", "content-md5", "content-digest", "etag"})
ABOUT_THE_INPUT = frozenset({400, 413, 422})
"""Statuses that may mean one input among several."""


class Batches:
    """Gathers calls."""

    def __init__(
        self, sender: Sender, attempts: Attempts, pacer: Pacer, tell: Teller, under_way: UnderWay, rules: Rules
    ) -> None:
        self._sender = sender
        self._attempts = attempts
        self._pacer = pacer
        self._tell = tell
        self._under_way = under_way
        self._rules = rules
        self.on_free: Callable[[str], None] = lambda call_id: None
        """Told when a call leads nobody any more."""
        self.requests = 0
        """Requests that were for several calls."""
        self.batched = 0
        """Calls that went with another one."""
        self._lines: dict[str, dict[str, Seat]] = {}
        """Calls that wait for their permits, by their kin and their ids."""
        self._leads: dict[str, Party] = {}

    def leads_others(self, call_id: str) -> bool:
        """True if others depend on the sending of this call."""
        party = self._leads.get(call_id)
        return party is not None and len(party.seats) > 1

    async def rounds(self, call: Call, trip: Trip) -> Reply:
        """Carry CALL to its answer, together with others if there are any."""
        seat = self._seat(call)
        if seat is None:
            return await self._sender.rounds(call, trip)
        party = Party([seat])
        while True:
            end = await (self._lead(party, trip) if party.lead is seat else self._ride(seat))
            if isinstance(end, Party):
                party = end
            elif isinstance(end, Reply):
                return end
            elif isinstance(end, Share):
                return self._reply(seat, party, end)
            else:
                return self._given_up(seat, party, end)

    def _seat(self, call: Call) -> Seat | None:
        """A place for CALL; None when it must go alone: it is no such call, as large as a whole request may be, or has
        a deadline of its own, which must not decide for others when it is too late."""
        part = read_part(call.method, str(call.target), call.body) if call.deadline_s is None else None
        if part is None:
            return None
        seat = Seat(call, part, kin_of(call, part.others))
        limits = self._limits(seat)
        tokens = call.estimate.input
        fits = len(part.items) < limits.items and tokens < limits.tokens
        return seat if fits and tokens <= limits.item_tokens * len(part.items) else None

    def _limits(self, seat: Seat) -> BatchLimits:
        """What the provider takes in one request, and what the settings allow."""
        limits = provider_of(seat.call.origin).batch_limits(seat.part.kind)
        items, tokens = min(limits.items, self._rules.max_items), min(limits.tokens, self._rules.max_tokens)
        return BatchLimits(items, limits.item_tokens, tokens)

    # The call that leads

    async def _lead(self, party: Party, trip: Trip) -> Share | Failed | Party | Reply:
        """Wait, gather others, send; again when it is held."""
        seat = party.lead
        self._leads[seat.call.id] = party
        try:
            while True:
                with self._lined_up(party):
                    permit = await self._sender.admitted(party.call(), party.setback, trip)
                trip.goes(seat.call, permit)
                self._gather(party, permit)
                outcome = await self._attempt(party, permit, trip.attempt)
                trip.on_its_way = None
                end = self._after(party, outcome, permit, trip.attempt)
                if end is not None:
                    return end
        except Joined:
            return seat.party or party
        except Refusal as error:
            for mate in party.mates:
                mate.news.put_nowait(same_for(mate.call, error))
            raise
        except Exception:  # we broke, over one of them perhaps: each of the others goes on by itself
            for mate in party.mates:
                mate.news.put_nowait(Party([mate], setback=party.setback, closed=True))
            raise
        except BaseException:  # stopped by force: the others go on without it
            if seat.party is party:
                rest = Party(party.mates, setback=party.setback, closed=party.closed)
                for mate in rest.seats:
                    mate.news.put_nowait(rest)
            else:  # in the instant in which another call has taken it along
                self._leave(seat)
            raise
        finally:
            self._leads.pop(seat.call.id, None)

    @contextmanager
    def _lined_up(self, party: Party) -> Iterator[None]:
        """While a call waits by itself, others of its kind may take it along."""
        seat = party.lead
        alone = len(party.seats) == 1 and not party.closed
        if alone:
            self._lines.setdefault(seat.kin, {})[seat.call.id] = seat
        try:
            yield
        finally:
            if alone:
                self._out_of_line(seat)

    def _out_of_line(self, seat: Seat) -> None:
        line = self._lines.get(seat.kin, {})
        line.pop(seat.call.id, None)
        if not line:
            self._lines.pop(seat.kin, None)

    def _gather(self, party: Party, permit: Permit) -> None:
        """Take along who waits, in order of arrival, within what goes into one request."""
        try:
            if not party.closed:
                self._take_along(party, permit)
            permit.call = party.call()
        except BaseException:
            self._pacer.give_back(permit)
            raise
        for seat in party.mates:
            self._tell_joined(seat, party)

    def _take_along(self, party: Party, permit: Permit) -> None:
        fitting = self._fitting(party, self._lines.get(party.lead.kin, {}))
        joined = set(self._pacer.join(permit, [seat.call.id for seat in fitting]) if fitting else ())
        for seat in fitting:
            if seat.call.id in joined:
                party.add(seat)
                self._out_of_line(seat)
            else:
                self._sender.expect(seat.call, goes=False)

    def _tell_joined(self, seat: Seat, party: Party) -> None:
        lead = party.lead.call.id
        event = self._tell.event("joined", seat.call, 0, reason=phrase("shared.batch", call=lead))
        waited = max(0.0, event.at - seat.call.arrived_at)
        self._tell.emit(replace(event, company=Company("batch", lead), wait_s=waited))

    def _fitting(self, party: Party, line: dict[str, Seat]) -> list[Seat]:
        """Those in LINE that go into one request with PARTY. All count against the budgets from now on: each alone
        might go where all together may not."""
        limits, items, tokens = self._limits(party.lead), party.items, party.tokens
        found: list[Seat] = []
        for seat in party.seats if line else ():
            self._sender.expect(seat.call)
        for seat in line.values():
            if not self._sender.is_allowed(seat.call):
                continue
            items, tokens = items + len(seat.part.items), tokens + seat.call.estimate.input
            if items > limits.items or tokens > limits.tokens:
                break
            self._sender.expect(seat.call)
            found.append(seat)
        return found

    async def _attempt(self, party: Party, permit: Permit, number: int) -> Whole | Reply | NoLuck:
        """Send PARTY once. The answer to one call alone is passed on as it comes: nothing has to be taken apart."""
        if len(party.sent) == 1:
            return await self._attempts.alone(party.lead.call, permit, number)
        return await self._attempts.together(party, permit, number)

    def _after(
        self, party: Party, outcome: Whole | Reply | NoLuck, permit: Permit, attempt: int
    ) -> Share | Failed | Party | Reply | None:
        """What the lead gets; its mates are told. None: they go again as they are."""
        if isinstance(outcome, Reply):
            return outcome
        if isinstance(outcome, Whole):
            return self._delivered(party, outcome, permit, attempt)
        if outcome.setback is not None:
            for seat in party.seats:
                self._sender.hold(seat.call, outcome, outcome.setback, attempt)
            party.setback = outcome.setback
            return None
        if len(party.seats) > 1 and is_about_the_input(outcome):
            setback = Setback(permit, "rate", 0.0, phrase("held.one_of", n=len(party.seats)))
            for seat in party.seats:
                self._sender.hold(seat.call, outcome, setback, attempt)
            return self._regrouped(party, party.split(setback))
        failed = Failed(outcome, attempt)
        for mate in party.mates:
            mate.news.put_nowait(failed)
        return failed

    def _delivered(self, party: Party, whole: Whole, permit: Permit, attempt: int) -> Share | Party:
        """Take the answer apart. When that cannot be done, each asks again by itself."""
        try:
            shares = party.shares(whole, attempt)
        except NotApart:
            setback = Setback(permit, "rate", 0.0, phrase("held.not_apart"))
            for seat in party.seats:
                event = self._tell.event("held", seat.call, attempt, wait_s=0.0, reason=setback.reason)
                self._tell.emit(event)
            return self._regrouped(party, party.split(setback, singly=True))
        self.requests += 1
        self.batched += len(shares) - 1
        for seat, share in zip(party.sent[1:], shares[1:], strict=True):
            seat.news.put_nowait(share)
        return shares[0]

    def _regrouped(self, old: Party, groups: list[Party]) -> Party:
        """Tell everybody which party it is in now; return the lead's own."""
        for group in groups:
            for seat in group.seats:
                if seat is not old.lead:
                    seat.news.put_nowait(group)
        if len(groups[0].seats) == 1:
            asyncio.get_running_loop().call_soon(self.on_free, old.lead.call.id)
        return groups[0]

    # The calls that go with it

    async def _ride(self, seat: Seat) -> Share | Failed | Party:
        """Wait for what the lead is told."""
        try:
            return await seat.hear()
        except BaseException:
            self._leave(seat)
            raise

    def _leave(self, seat: Seat) -> None:
        """Its client has gone: it is in no further request."""
        party = seat.party
        if party is not None and seat in party.seats:
            party.seats.remove(seat)
            if len(party.seats) == 1:
                self.on_free(party.lead.call.id)

    # What each gets

    def _reply(self, seat: Seat, party: Party, share: Share) -> Reply:
        """The answer to one call, as if it had been alone."""
        call = seat.call
        self._tell.emit(self._tell.event("first_byte", call, share.attempt))
        headers = tuple(pair for pair in for_client(share.whole.headers) if pair[0].lower() not in _OF_THE_BODY)
        headers = (*headers, ("Content-Length", str(len(share.body))), *ours(call, share.attempt))
        headers = (*headers, *self._about(seat, party, share.mates))
        body = Retold(iter((share.body,)), lambda how: self._under_way.end(self._end(call, share, how)))
        return Reply(call, 200, share.whole.reason, headers, body)

    def _about(self, seat: Seat, party: Party, size: int) -> Headers:
        """With whom it went."""
        if size < 2:
            return ()
        batch = (("X-Sluice-Batch", str(size)),)
        return batch if seat is party.lead else (*batch, ("X-Sluice-Shared-With", party.lead.call.id))

    def _end(self, call: Call, share: Share, how: BaseException | None) -> Event:
        if how is None:
            done = self._tell.event("done", call, share.attempt, status=200, final=True)
            return replace(done, usage=share.usage, bytes_out=len(share.body), body=share.body)
        reason = self._under_way.why(call.id, how)
        return self._tell.event("cancelled", call, share.attempt, reason=reason, final=True)

    def _given_up(self, seat: Seat, party: Party, end: Failed) -> Reply:
        """The failure of all, in each call's own words."""
        outcome, mates = end.outcome, len(party.sent)
        if mates < 2:
            return self._sender.give_up(seat.call, outcome.failure, outcome.finding, end.attempt)
        finding = outcome.finding
        if seat is not party.lead:
            finding = finding.seen(mark("together", call=party.lead.call.id))
        extra = self._about(seat, party, mates)
        return self._sender.give_up(seat.call, outcome.failure, finding, end.attempt, extra)


def is_about_the_input(outcome: NoLuck) -> bool:
    """True if the refusal may be about one of several inputs, so that the others could be answered."""
    finding = outcome.finding
    if outcome.failure.fault is not None or finding.retry == "never" or _names_another(outcome.failure.body):
        return False
    return outcome.failure.status in ABOUT_THE_INPUT or finding.subtype == "request_too_large"


def _names_another(body: bytes) -> bool:
    """True if an error names a parameter that all have in common: `dimensions`, `model`."""
    try:
        param = json.loads(body)["error"]["param"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return False
    return isinstance(param, str) and bool(param) and not any(word in param for word in ("input", "prompt"))
