"""The pacer: all waiting of the whole program. A thin asynchronous shell around the synchronous accounts.

Every change of state ends in `_step`, which moves the account and sets its one timer. While nothing waits there is no
timer.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Iterable
from typing import Any

from daemon.errors import Cancelled, Refusal, ShuttingDown
from daemon.model import Ask, Call, Estimate, Finding, Memory, Origin, Priority, Scope
from daemon.pacing.account import Account
from daemon.pacing.accounts import Accounts
from daemon.pacing.block import Blocked
from daemon.pacing.checks import check, check_opening, too_late, turned_away
from daemon.pacing.clocks import COUNTS_SLEEP, SleepWatch, boottime
from daemon.pacing.costs import costs_of_call
from daemon.pacing.estimate import Estimator
from daemon.pacing.eta import expected_behind
from daemon.pacing.feedback import Feedback, entry_of
from daemon.pacing.in_vain import in_vain
from daemon.pacing.joining import Joined, take_along
from daemon.pacing.lessons import Lessons
from daemon.pacing.outlook import Outlook, outlook
from daemon.pacing.permit import Permit, Setback
from daemon.pacing.pool import Pool
from daemon.pacing.queue import Entry
from daemon.pacing.reports import Reports
from daemon.pacing.room import with_room
from daemon.pacing.settings import PacingSettings, patience
from daemon.pacing.stops import stop_of
from daemon.pacing.words import pool_json, queue_json
from daemon.phrases import phrase

INFINITE = float("inf")
JUST_S = 0.001
TICK_S = 5.0
"""While something waits, look at the clock this often: timers stand still with a sleeping machine."""


class Pacer:
    """Says when each call may go."""

    def __init__(
        self,
        settings: PacingSettings | None = None,
        *,
        clock: Callable[[], float] = boottime,
        wall: Callable[[], float] = time.time,
        memory: Memory | None = None,
        rng: random.Random | None = None,
        on_change: Callable[[], None] | None = None,
        counts_sleep: bool = COUNTS_SLEEP,
    ) -> None:
        """CLOCK: seconds; COUNTS_SLEEP: it goes on while the machine sleeps. WALL: Unix time, which may jump."""
        self.settings = settings or PacingSettings()
        self.now = clock
        """The instant on the pacer's clock, in seconds."""
        self._wall = wall
        self._memory = memory
        self._on_change = on_change
        self._estimator = Estimator(memory)
        self._lessons = Lessons(memory, wall)
        self._reports = Reports(
            Feedback(self.settings, self._estimator, rng or random.Random(), wall),  # noqa: S311 - jitter, not secrets
            self._lessons, clock, self._step, self._turn_away,
        )  # fmt: skip
        self._accounts = Accounts(self._new_account, self._note)
        self._timers: dict[Account, tuple[float, asyncio.TimerHandle]] = {}
        self._waiting: dict[str, tuple[Account, Pool, Entry]] = {}
        self._watch = SleepWatch(self.settings.resume_slack_s, counts_sleep)
        self._free: tuple[int, Account, Pool, Entry] | None = None
        """The last call of which it was said that it would go at once, after how many steps, and where."""
        self._steps = 0
        self._closed = False
        self.has_choice: Callable[[Call], bool] = lambda call: False
        """True for a call that goes elsewhere when it fails: nobody who has a choice waits for a place that is away, or
        held for hours."""

    def __repr__(self) -> str:
        return f"<Pacer {len(self._waiting)} waiting, {list(self._accounts)}>"

    # Before

    def weigh(self, origin: Origin, ask: Ask) -> Estimate:
        """Estimate what a call will cost, calibrated by what this model's provider reported before."""
        return self._estimator.weigh(origin, ask)

    def will_wait(self, call: Call) -> dict[str, Any] | None:
        """Return {"waits_for", "wait_s", "place"} of CALL, or None when it would go at once."""
        now = self.now()
        account, pool = self._place(call)
        entry = entry_of(call, None, now)
        ahead = len(pool.queue)
        stop = stop_of(pool, entry, now)
        if stop is None and not ahead:
            self._free = self._steps, account, pool, entry
            return None
        stop = stop or pool.stop
        why = stop.why if stop is not None else phrase("waits.turn")
        return {"waits_for": why, "wait_s": expected_behind(pool, entry, now).wait_s, "place": ahead + 1}

    def outlook(self, call: Call) -> Outlook:
        """How CALL would fare, to be compared with what it would meet with another key."""
        now = self.now()
        account, pool = self._place(call)
        waits = self.will_wait(call)
        wait_s = 0.0 if waits is None else waits["wait_s"]
        return outlook(pool, account.block_of(pool), INFINITE if wait_s is None else wait_s, now)

    def patience_of(self, call: Call) -> str:
        """The name of what bounds how long CALL waits: a setting, or its own deadline."""
        most, setting = patience(self.settings, call.priority)
        return "X-Sluice-Deadline" if call.deadline_s is not None and call.deadline_s < most else setting

    # Waiting

    async def acquire(
        self,
        call: Call,
        setback: Setback | None = None,
        hold: tuple[float, str] | None = None,
        since: float | None = None,
        *,
        put_off: bool = False,
    ) -> Permit:
        """Wait until CALL may go, and charge it. Pass the SETBACK of a failed attempt to go again from the same
        place. HOLD: seconds that it must wait in any case, and why. SINCE: the instant from which its deadline counts,
        where that is not this one. PUT_OFF: one that does not wait, and counts for no day, may be charged by
        `Permit.left`, when its bytes have gone; that, or `Permit.charge`, must come before the loop has its next turn.

        Raises TooLarge, QueueFull, DeadlineExceeded (`retry_after_s` in its facts), Cancelled, ShuttingDown or
        Blocked; and Joined, when another call has taken it along (see `join`). When the task is cancelled, the call
        leaves the line and nothing is charged.
        """
        now = self.now()
        if self._closed:
            raise ShuttingDown(phrase("refused.stopping"))
        free = self._just_found_free(call, now)
        if free is not None and setback is None and since is None:
            _, account, pool, entry = free
            now = entry.arrived
        else:
            account, pool = self._place(call)
            entry = entry_of(call, setback, now, since)
        entry.choice = self.has_choice(call)
        if hold is not None:
            entry.ready_at, entry.held = max(entry.ready_at, now + hold[0]), hold[1]
        check(self.settings, account, pool, entry, now)
        permit = account.at_once(pool, entry, now, fits=free is not None)
        if permit is None:
            return await self._wait(account, pool, entry, now)
        if not put_off or pool.days:  # a day is written down before the call goes
            permit.charge()
        self._changed()
        return permit

    async def _wait(self, account: Account, pool: Pool, entry: Entry, now: float) -> Permit:
        """Line up and wait for the permit."""
        check_opening(self.settings, pool, entry, now)
        call_id = entry.call.id
        future: asyncio.Future[Permit] = asyncio.get_running_loop().create_future()
        entry.future = future
        pool.push(entry, now)
        account.expect(pool, entry)
        self._waiting[call_id] = (account, pool, entry)
        self._step(account, now)
        try:
            return future.result() if future.done() else await future
        except asyncio.CancelledError:
            self._abandon(account, pool, entry, future)
            raise
        finally:
            self._waiting.pop(call_id, None)

    def give_back(self, permit: Permit) -> None:
        """Undo an admission: the call was not sent after all, and nothing was used up."""
        permit.charge()
        for ledger, charge in permit.charges:
            ledger.undo(charge)
        for day, spent in permit.days:
            day.undo(spent)
        permit.release()

    def join(self, permit: Permit, call_ids: Iterable[str]) -> list[str]:
        """Let waiting calls go with PERMIT, in this order, until one does not fit into the limits or waits elsewhere.

        Return those that go: their `acquire` raises Joined. To be called as soon as the permit is there.
        """
        account, pool = permit.place
        now, joined = self.now(), list[str]()
        for call_id in call_ids:
            found = self._waiting.get(call_id)
            if found is None or found[1] is not pool or not found[2].number:
                continue
            if not take_along(account, pool, permit, found[2], now):
                break
            self._end(*found, Joined(permit.call.id), step=False)
            joined.append(call_id)
        if joined:
            self._step(account, now)
        return joined

    def cancel(self, call_id: str, why: Refusal | None = None) -> bool:
        """Take a waiting call out of the line; its `acquire` raises WHY, or Cancelled. False when it does not wait."""
        found = self._waiting.get(call_id)
        if found is None:
            return False
        self._end(*found, why or Cancelled(phrase("refused.cancelled")))
        return True

    def promote(self, call_id: str, priority: Priority) -> bool:
        """Move a waiting call to another class. False when it does not wait."""
        found = self._waiting.get(call_id)
        if found is None:
            return False
        account, pool, entry = found
        if entry.number:
            pool.queue.promote(entry, priority)
        else:
            entry.priority = priority
        self._step(account, self.now())
        return True

    async def close(self) -> None:
        """Everything that waits gets ShuttingDown; no timer is left."""
        self._closed = True
        for account in self._accounts:
            self._note(account)
        for found in list(self._waiting.values()):
            self._end(*found, ShuttingDown(phrase("refused.stopped")), step=False)
        for _, handle in self._timers.values():
            handle.cancel()
        self._timers.clear()

    # Looking

    def pools(self) -> list[dict[str, Any]]:
        """The status of each pool, JSON-ready."""
        now = self.now()
        return [pool_json(p, a.block_of(p), now) for a in self._accounts for p in a.pools.values()]

    def queue(self) -> list[dict[str, Any]]:
        """Each waiting call: its place, what it waits for, and when it will probably go."""
        now, wall = self.now(), self._wall()
        return [
            row for a in self._accounts for p in a.pools.values() for row in queue_json(p, a.block_of(p), now, wall)
        ]

    def with_room(self, call: Call) -> tuple[str, ...]:
        """Models that were used lately with the same key and could take CALL now; those with the most room first."""
        account = self._accounts.known(call.scope)
        pool = account.pools.get(call.scope.group) if account is not None else None
        if account is None or pool is None:
            return ()
        return with_room(account, pool, call.ask.kind, costs_of_call(call), self.now())

    # Inside

    def _just_found_free(self, call: Call, now: float) -> tuple[int, Account, Pool, Entry] | None:
        """Where CALL stands, if `will_wait` has just said that it goes at once, and nothing has changed since. (What a
        thousandth of a second could change is within each limit's guard.) Asked once: the prompt of a call is not kept
        here."""
        free, self._free = self._free, None
        if free is None or free[0] != self._steps or free[3].call is not call or now - free[3].arrived > JUST_S:
            return None
        return free

    def _new_account(self, scope: Scope) -> Account:
        return Account(scope.host, scope.key, self.settings, self._reports, self._wall, self._memory)

    def _note(self, account: Account) -> None:
        """Write down what was learned of the limits of ACCOUNT."""
        for pool in account.pools.values():
            self._lessons.note(pool, self.now(), at_once=True)

    def _place(self, call: Call) -> tuple[Account, Pool]:
        account = self._accounts.of(call.scope)
        pool = account.pool(call)
        if not pool.recalled:
            now = self.now()
            for one in account.pools.values():
                if not one.recalled:
                    self._lessons.recall(one, now)
        return account, pool

    def _abandon(self, account: Account, pool: Pool, entry: Entry, future: asyncio.Future[Permit]) -> None:
        """The client left while it waited. A permit that came in the same instant goes back uncharged."""
        if future.done() and not future.cancelled() and future.exception() is None:
            self.give_back(future.result())
            return
        entry.future = None
        pool.leave(entry)
        self._step(account, self.now())

    def _end(self, account: Account, pool: Pool, entry: Entry, error: Exception, *, step: bool = True) -> None:
        """Take ENTRY out of the line and give it ERROR."""
        future, entry.future = entry.future, None
        pool.leave(entry)
        self._waiting.pop(entry.call.id, None)
        if future is not None and not future.done():
            future.set_exception(error)
        if step:
            self._step(account, self.now())

    def _turn_away(self, account: Account, pool: Pool, finding: Finding) -> None:
        """A person must act first: tell all that wait for this key, or this model."""
        for found in list(self._waiting.values()):
            if found[0] is account and (found[1] is pool or account.block is not None):
                self._end(*found, Blocked(finding, account.host), step=False)

    def _step(self, account: Account, now: float, pool: Pool | None = None) -> None:
        """Move ACCOUNT, then set its timer. Runs after every change of state. POOL: the only one that has changed."""
        if self._closed:
            return
        if not account.quiet(pool, now):
            account.step(now)
            self._expire(account, now)
            self._arm(account, now)
        elif account in self._timers and not account.busy:
            self._arm(account, now)
        self._changed()

    def _changed(self) -> None:
        self._steps += 1
        if self._on_change is not None:
            self._on_change()

    def _expire(self, account: Account, now: float) -> None:
        """Calls whose deadline has passed, or that wait in vain, get their answer."""
        for pool, entry in account.overdue(now):
            error = too_late(pool, entry, now, after_all=True)
            self._end(account, pool, entry, error, step=False)
        for pool in account.pools.values():
            for entry, late in (*turned_away(self.settings, pool, now), *in_vain(self.settings, pool, now)):
                self._end(account, pool, entry, late, step=False)

    def _arm(self, account: Account, now: float) -> None:
        """One timer per account, and only while something waits there."""
        standing = self._timers.get(account)
        waits = any(p.waiting for p in account.pools.values())
        if not waits:
            if standing is not None:
                standing[1].cancel()
                del self._timers[account]
            return
        due = min(max(account.wake, now + 0.001), now + TICK_S)
        if standing is not None:
            ticks = account.wake >= now + TICK_S  # then any time up to the tick will do
            if now < standing[0] <= due and (ticks or standing[0] + 0.0005 >= due):
                return
            standing[1].cancel()
        loop = asyncio.get_running_loop()
        self._timers[account] = (due, loop.call_later(due - now, self._fire, account))

    def _fire(self, account: Account) -> None:
        """The timer of ACCOUNT has come."""
        due, _ = self._timers.pop(account)
        now = self.now()
        self._resume(now, due)
        self._step(account, now)

    def _resume(self, now: float, due: float) -> None:
        """After the machine slept: nothing bursts, and what our clock did not count is added."""
        sleep = self._watch.look(now, self._wall(), due)
        if sleep is None:
            return
        for account in self._accounts:
            for pool in account.pools.values():
                pool.resumed(sleep.stood_still_s)
