"""All pools of one key at one host: what they share, and the one step that admits calls. Synchronous, no clock."""

from __future__ import annotations

import heapq
import itertools
from collections import deque
from collections.abc import Callable

from daemon.model import Call, Memory, Origin
from daemon.pacing.block import Block, Blocked
from daemon.pacing.choosing import choose
from daemon.pacing.limits import own_limits, shared_limits
from daemon.pacing.permit import Desk, Permit, Setback, Tally
from daemon.pacing.pool import Limits, Pool
from daemon.pacing.queue import Entry
from daemon.pacing.settings import PacingSettings
from daemon.pacing.stops import stop_of

INFINITE = float("inf")
MAX_POOLS = 500
"""A client that invents model names must not fill the memory: pools that idle are dropped beyond this."""
_sequence = itertools.count(1)


class Account:
    """One (host, key). `step` runs after every change of state; `wake` says when time alone will change it."""

    def __init__(
        self,
        host: str,
        key: str,
        settings: PacingSettings,
        desk: Desk,
        wall: Callable[[], float],
        memory: Memory | None,
    ) -> None:
        self.host = host
        self.key = key
        self.settings = settings
        self.pools: dict[str, Pool] = {}
        self.origin: Origin | None = None
        """With the limits that are in force."""
        self.shared: Limits | None = None
        self.block: Block | None = None
        self.wake = INFINITE
        self.deadlines: list[tuple[float, int, Pool, Entry]] = []
        """A heap of those that wait with a deadline; the ones that have gone fall off."""
        self.last_seq = 0
        """Number of the newest permit."""
        self._gone: deque[Origin] = deque(maxlen=8)
        """Those that were in force before a reload."""
        self._changed_at = -INFINITE
        """When the first call came with those that are (Unix time)."""
        self._desk = desk
        self._wall = wall
        self._memory = memory

    def __repr__(self) -> str:
        return f"<Account {self.host} {self.key}: {list(self.pools.values())}>"

    def pool(self, call: Call) -> Pool:
        """Return the pool of CALL, made when it is the first one."""
        if call.origin is not self.origin and call.origin != self.origin and self._brings_news(call):
            self._reload(call)
        pool = self.pools.get(call.scope.group)
        if pool is None:
            pool = self._new_pool(call)
        pool.kinds.add(call.ask.kind)
        return pool

    def _brings_news(self, call: Call) -> bool:
        """False for a call that came before the last reload: it must not bring the old limits back."""
        return call.origin not in self._gone or call.arrived_at >= self._changed_at

    def _reload(self, call: Call) -> None:
        """Take over the limits with which CALL comes, for all pools: what they share stays shared. What runs still
        counts against how many may."""
        if self.origin is not None:
            self._gone.append(self.origin)
        self.origin, self._changed_at = call.origin, call.arrived_at
        standing = self.shared.days if self.shared is not None else ()
        self.shared = shared_limits(call.origin, self.key, self._wall, self._memory, standing)
        for slots in self.shared.slots:
            slots.used = sum(pool.in_flight for pool in self.pools.values())
        for pool in self.pools.values():
            own = own_limits(call.origin, pool.scope, pool.model, self._wall, self._memory, pool.own.days)
            pool.begin(call.origin, self.shared, own)
        self.wake = -INFINITE  # whoever waits may go now

    def _new_pool(self, call: Call) -> Pool:
        """Make a pool, with the limits that are in force."""
        if self.origin is None or self.shared is None:
            raise RuntimeError("a pool without limits")
        if len(self.pools) >= MAX_POOLS:
            self._drop_idle()
        own = own_limits(self.origin, call.scope, call.model, self._wall, self._memory)
        pool = self.pools[call.scope.group] = Pool(call.scope, self.origin, self.shared, own, self.settings)
        pool.model = call.model
        return pool

    def _drop_idle(self) -> None:
        for group, pool in list(self.pools.items()):
            if not pool.in_flight and not pool.waiting:
                del self.pools[group]

    def block_of(self, pool: Pool) -> Block | None:
        """The block that concerns POOL, if any."""
        return self.block or pool.block

    def check_block(self, pool: Pool, entry: Entry, now: float) -> None:
        """Raise `Blocked` if ENTRY must not even wait."""
        block = self.block_of(pool)
        if block is not None and not block.lets_try(entry.priority, now):
            raise Blocked(block.finding, self.host)

    @property
    def idle(self) -> bool:
        """True if nobody waits for this key, and nothing is under way with it."""
        return not self.busy and not any(pool.in_flight for pool in self.pools.values())

    @property
    def busy(self) -> bool:
        """True if somebody waits for this key, or waited with a deadline that has not been looked at yet."""
        for pool in self.pools.values():
            if pool.queue.waiting or pool.delayed.live:
                return True
        return bool(self.deadlines)

    def quiet(self, pool: Pool | None, now: float) -> bool:
        """True if nobody waits who could be moved by what happens in POOL at NOW: nobody at all, or only those of other
        pools that share nothing with it, and whose time has not come. None: it may happen in any pool."""
        if not self.busy:
            return True
        if pool is None or pool.waiting or self.block is not None or now >= self.wake:
            return False
        shared = self.shared
        return shared is None or not (shared.ledgers or shared.days or shared.slots)

    def at_once(self, pool: Pool, entry: Entry, now: float, *, fits: bool = False) -> Permit | None:
        """The permit of ENTRY, which is to be charged, if nobody waits before it and it may go now; else it has to line
        up. FITS: that it may go is known."""
        if not self.quiet(pool, now) or entry.ready_at > now or self.block_of(pool) is not None:
            return None
        pool.stop = None
        if not fits and stop_of(pool, entry, now) is not None:
            return None
        permit = self._permit(pool, entry, now)

        def charge() -> None:
            pool.queue.passed(entry)
            permit.tag = entry.tag
            self._charge(permit, pool, entry, now)

        permit.charging = charge
        return permit

    def step(self, now: float) -> None:
        """Hand permits to whoever may go now."""
        self.wake = INFINITE
        for pool in self._in_turn():
            pool.wake_delayed(now)
            while (entry := self._next(pool, now)) is not None:
                self.admit(pool, entry, now)
            self.wake = min(self.wake, pool.wake)

    def expect(self, pool: Pool, entry: Entry) -> None:
        """ENTRY has a deadline: remember when to look."""
        if entry.deadline < INFINITE:
            heapq.heappush(self.deadlines, (entry.deadline, next(_sequence), pool, entry))

    def overdue(self, now: float) -> list[tuple[Pool, Entry]]:
        """Return the waiting calls whose deadline has passed; the next deadline is a reason to wake."""
        late: list[tuple[Pool, Entry]] = []
        while self.deadlines:
            deadline, _, pool, entry = self.deadlines[0]
            waits = entry.future is not None and not entry.future.done()
            if waits and deadline > now:
                self.wake = min(self.wake, deadline)
                break
            heapq.heappop(self.deadlines)
            if waits:
                late.append((pool, entry))
        return late

    def _in_turn(self) -> list[Pool]:
        """Pools in which somebody waits; where they share limits, the most urgent first."""
        waiting = [pool for pool in self.pools.values() if pool.waiting]
        if len(waiting) > 1:
            waiting.sort(key=lambda pool: pool.queue.urgency)
        return waiting

    def _next(self, pool: Pool, now: float) -> Entry | None:
        block = self.block_of(pool)
        if block is None:
            return choose(pool, now)
        if block.probing is not None:
            pool.wake = INFINITE
            return None
        entry = choose(pool, now)
        if entry is not None and block.lets_try(entry.priority, now):
            block.probing = entry.call.id
            return entry
        if entry is not None:
            pool.wake = block.quiet_until
        return None

    def admit(self, pool: Pool, entry: Entry, now: float) -> Permit:
        """Charge ENTRY, take it out of the line and give it its permit."""
        if entry.number:
            pool.queue.admitted(entry)
        permit = self._permit(pool, entry, now)
        self._charge(permit, pool, entry, now)
        if entry.future is not None and not entry.future.done():
            entry.future.set_result(permit)
        return permit

    def _charge(self, permit: Permit, pool: Pool, entry: Entry, now: float) -> None:
        """Take what ENTRY takes, which has its PERMIT."""
        costs = entry.costs
        for ledger in pool.ledgers:
            if ledger.dimension in costs and (cost := costs[ledger.dimension] * ledger.scale) > 0:
                permit.charges.append((ledger, ledger.take(permit.seq, cost, now)))
        for day in pool.days:
            cost = costs.get(day.dimension, 0.0)
            if cost > 0:
                permit.days.append((day, day.take(permit.seq, cost, now, person=entry.came == 0)))
        for slots in pool.all_slots:
            slots.take(permit.seq, now)
        pool.ramp.sent(now, entry.share)
        pool.gone(entry, now)
        pool.in_flight += 1
        if permit.attempt == 1:
            pool.budget.sent(now)
        if entry.came == 0:
            pool.demand.note(now, entry.share)

    def _permit(self, pool: Pool, entry: Entry, now: float) -> Permit:
        back: Setback | None = entry.setback
        tally = back.permit.tally if back is not None else Tally()
        attempt = back.permit.attempt + 1 if back is not None else 1
        permit = Permit(entry.call, attempt, max(0.0, now - entry.arrived), self._desk, next(_sequence), now)
        permit.arrived, permit.tally, permit.tag = entry.arrived, tally, entry.tag
        permit.deadline, permit.place = entry.deadline, (self, pool)
        if entry.rose:
            permit.rose_to = entry.priority
        self.last_seq = permit.seq
        return permit
