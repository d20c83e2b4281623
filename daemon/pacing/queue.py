"""Who goes next: strict priority with ageing and a floor; between the clients of one class, fair shares of the
limits.

Fairness is start-time fair queueing: a call's tag is when its client would come to its turn if all clients shared the
limits equally; the smallest tag goes first. A call's size is the largest part that it takes of any limit, so that a
few huge prompts weigh as much as many small ones. Tags stay with a call that has to be sent again: it keeps its
place.

Who has waited long rises one class, and takes turns there with those who came in it, as if it were another client's;
but it is still no person's call, and leaves as much of the limits to these as before.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from daemon.model import Call, Dimension, Priority

if TYPE_CHECKING:
    from daemon.pacing.permit import Permit, Setback

Costs = dict[Dimension, float]
INFINITE = float("inf")
Place = tuple[float, int, "Entry"]
"""Of an entry in a heap: its tag, its number."""
FEW_CLIENTS = 64
MOST_CLIENTS = 10_000
_numbers = itertools.count(1)


@dataclass(slots=True, eq=False)
class Entry:
    """A call that waits."""

    call: Call
    costs: Costs
    arrived: float
    """On the pacer's clock; kept over resends."""
    priority: Priority
    share: float = 0.0
    deadline: float = INFINITE
    ready_at: float = -INFINITE
    """Not before this instant (backoff)."""
    held: str = ""
    """Why it must wait until then, where that is no limit."""
    setback: Setback | None = None
    future: asyncio.Future[Permit] | None = None
    tag: float | None = None
    rose: bool = False
    """It has waited long, and competes one class higher than it came; no call rises twice."""
    insists: bool = False
    """So much has passed it since it rose that it leaves nothing more of a minute's limits to others."""
    number: int = 0
    """Of its place in a heap; 0: it does not stand in one. Older places are dead."""
    bypassed: float = 0.0
    """How much has passed it, in the dimension that it waits for."""
    yielded: float = 0.0
    """The shares of the calls of a better class that have passed it since it rose."""
    choice: bool = False
    """Another place takes it when this one fails, so that it finds that out by itself."""
    told: tuple[float, float] | None = None
    """When it was first said, and after how many seconds from then, that it would go."""
    kept_at: float | None = None
    """Since when it has waited for the end of a day's limit, which is kept for persons."""

    @property
    def model(self) -> str | None:
        return self.call.model

    @property
    def came(self) -> Priority:
        """The class in which it came: whoever has risen is no person for it."""
        return Priority(min(self.priority + 1, Priority.BATCH)) if self.rose else self.priority

    @property
    def rank(self) -> Priority:
        """The class to whose betters it leaves something."""
        return self.priority if self.insists else self.came

    def let_pass(self, other: Entry, floor: float) -> None:
        """OTHER, of a better class, goes before this one, which has risen: it does so until the part of them that is
        promised to the lower classes, FLOOR, has come to one call like this."""
        self.yielded += other.share
        self.insists = floor * self.yielded >= self.share - 1e-12


@dataclass(slots=True)
class Lane:
    """One priority class."""

    heaps: tuple[list[Place], list[Place]] = field(default_factory=lambda: ([], []))
    """Those who came in this class, and those who have risen to it."""
    ages: deque[tuple[int, Entry]] = field(default_factory=deque)
    virtual: float = 0.0
    finish: dict[tuple[str, bool], float] = field(default_factory=dict)
    """By client, and whether it is for what has risen: that is not for its calls of this class to wait for."""
    most: int = FEW_CLIENTS
    """Clients that are remembered before it is looked which of them idle."""
    waiting: int = 0
    backlog: Costs = field(default_factory=dict)

    def head(self, *, risen: bool = True) -> Entry | None:
        """The entry with the smallest tag, also of those who have RISEN."""
        places = [place for place in (self.first(), self.first(rose=True) if risen else None) if place is not None]
        return min(places)[2] if places else None

    def first(self, *, rose: bool = False) -> Place | None:
        """The place with the smallest tag of those who came in this class, or who ROSE; dead ones fall off."""
        heap = self.heaps[rose]
        while heap and heap[0][2].number != heap[0][1]:
            heapq.heappop(heap)
        return heap[0] if heap else None

    def tag(self, entry: Entry) -> float:
        """The place of ENTRY in virtual time, behind what its client has had; it is given once."""
        if entry.tag is None:
            whose = entry.call.client, entry.rose
            entry.tag = max(self.virtual, self.finish.get(whose, 0.0))
            self.finish[whose] = entry.tag + entry.share
        return entry.tag

    def live(self) -> Iterator[Place]:
        """The places that are not dead, in no order."""
        return (place for heap in self.heaps for place in heap if place[2].number == place[1])

    def forget_idle(self) -> None:
        """Clients whose calls have all had their turn begin anew. They are looked for when there are twice as many as
        after the last look: so a call costs the same with ten thousand clients as with one."""
        if len(self.finish) <= self.most:
            return
        self.finish = {client: f for client, f in self.finish.items() if f > self.virtual + 1e-12}
        if len(self.finish) > MOST_CLIENTS:  # each has had one turn: whoever comes next stands beside them
            self.virtual = max(self.finish.values())
            self.finish.clear()
        self.most = max(FEW_CLIENTS, 2 * len(self.finish))


@dataclass(slots=True)
class Queue:
    """All waiting calls of one pool."""

    floor: float = 0.1
    age_s: tuple[float, float, float] = (INFINITE, 60.0, 300.0)
    lanes: tuple[Lane, Lane, Lane] = field(default_factory=lambda: (Lane(), Lane(), Lane()))
    owed: float = 0.0
    """What the lower classes have been promised and not had."""
    waiting: int = 0
    """In all classes."""

    def __len__(self) -> int:
        return self.waiting

    def push(self, entry: Entry) -> None:
        """Line up. An entry that has a tag keeps its place."""
        lane = self.lanes[entry.priority]
        tag = lane.tag(entry)
        entry.number = next(_numbers)
        heapq.heappush(lane.heaps[entry.rose], (tag, entry.number, entry))
        if self.age_s[entry.priority] < INFINITE and not entry.rose:
            lane.ages.append((entry.number, entry))
        self._count(lane, entry, 1)

    def passed(self, entry: Entry) -> None:
        """ENTRY goes at once, while nobody waits: move virtual time as if it had lined up for an instant."""
        lane = self.lanes[entry.priority]
        lane.virtual = max(lane.virtual, lane.tag(entry))
        lane.forget_idle()
        self.owed = 0.0

    def remove(self, entry: Entry) -> None:
        """Leave the line: admitted, cancelled or too late."""
        if entry.number:
            entry.number = 0
            lane = self.lanes[entry.priority]
            self._count(lane, entry, -1)
            if lane.waiting == 0:
                lane.heaps[False].clear()
                lane.heaps[True].clear()
                lane.ages.clear()
                lane.forget_idle()
                lane.backlog.clear()

    def recost(self, entry: Entry, costs: Costs) -> None:
        """ENTRY takes COSTS, as is known now. Its turn stays."""
        standing = entry.number != 0
        if standing:
            self._count(self.lanes[entry.priority], entry, -1)
        entry.costs = costs
        if standing:
            self._count(self.lanes[entry.priority], entry, 1)

    def promote(self, entry: Entry, priority: Priority) -> None:
        """Move to another class, at its front among those of equal tag."""
        self.remove(entry)
        entry.priority, entry.rose = priority, False
        entry.tag = min(entry.tag or 0.0, self.lanes[priority].virtual)
        self.push(entry)

    def head(self, now: float) -> Entry | None:
        """Return who is next, and let those that have waited long rise."""
        self._age(now)
        first = next((lane for lane in self.lanes if lane.waiting), None)
        if first is None:
            return None
        if self.owed > 0:
            for lane in self.lanes[::-1]:
                entry = lane.head()
                if entry is not None and lane is not first and self.owed >= entry.share:
                    return entry
        return first.head()

    def head_above(self, entry: Entry) -> Entry | None:
        """Return who would be next if only those waited who came in a higher class than ENTRY."""
        lanes = [(priority, lane) for priority, lane in enumerate(self.lanes[: entry.came]) if lane.waiting]
        heads = (lane.head(risen=priority + 1 < entry.came) for priority, lane in lanes)
        return next((head for head in heads if head is not None), None)

    def admitted(self, entry: Entry) -> None:
        """Take ENTRY out; move virtual time, and the account of what lower classes are owed."""
        lane = self.lanes[entry.priority]
        lane.virtual = max(lane.virtual, entry.tag or 0.0)
        self.remove(entry)
        above = any(upper.waiting for upper in self.lanes[: entry.priority])
        if not above and any(lower.waiting for lower in self.lanes[entry.priority + 1 :]):
            self.owed += self.floor * entry.share
        elif entry.priority > 0:
            self.owed = max(0.0, self.owed - entry.share)
        if not self.lanes[1].waiting and not self.lanes[2].waiting:
            self.owed = 0.0

    def next_heads(self, count: int, skip: Entry) -> list[Entry]:
        """Return up to COUNT entries behind SKIP, by class, who has risen last: for calls that may pass SKIP."""
        found: list[Entry] = []
        for lane in self.lanes:
            for rose, heap in enumerate(lane.heaps):
                popped: list[Place] = []
                while len(found) < count and lane.first(rose=bool(rose)) is not None:
                    popped.append(heapq.heappop(heap))
                    if popped[-1][2] is not skip:
                        found.append(popped[-1][2])
                for place in popped:
                    heapq.heappush(heap, place)
        return found

    def betters(self, entry: Entry) -> Iterator[Entry]:
        """The first of each class above the one in which ENTRY came, without those who have risen."""
        for lane in self.lanes[: entry.came]:
            if lane.waiting and (place := lane.first()) is not None:
                yield place[2]

    @property
    def urgency(self) -> tuple[bool, bool, bool]:
        """Smaller is more urgent: a person waits, or who has risen to their class, or a normal call."""
        persons, normal, _ = self.lanes
        return not (persons.waiting and persons.first()), not persons.waiting, not normal.waiting

    def in_order(self) -> list[Entry]:
        """Return all entries in the order in which they are likely to go. O(n log n): for people."""
        return [entry for lane in self.lanes for _, _, entry in sorted(lane.live())]

    def entries(self) -> Iterator[Entry]:
        """All entries, in no order."""
        for lane in self.lanes:
            yield from [entry for _, _, entry in lane.live()]

    def standing(self, priority: Priority) -> int:
        """Return how many wait in this class and above."""
        return sum(lane.waiting for lane in self.lanes[: priority + 1])

    def backlog(self, dimension: Dimension, priority: Priority) -> float:
        """Return what waits in this class and above."""
        return sum(lane.backlog.get(dimension, 0.0) for lane in self.lanes[: priority + 1])

    def _age(self, now: float) -> None:
        """Let those that have waited too long in their class compete one class higher."""
        for priority in (Priority.NORMAL, Priority.BATCH):
            lane = self.lanes[priority]
            while lane.ages:
                number, entry = lane.ages[0]
                if entry.number != number:
                    lane.ages.popleft()
                elif now - entry.arrived > self.age_s[priority]:
                    lane.ages.popleft()
                    self._rise(entry)
                else:
                    break

    def _rise(self, entry: Entry) -> None:
        """Let ENTRY take its client's turn one class higher: a backlog that has waited long must not stand before all
        that come there."""
        self.remove(entry)
        entry.priority, entry.rose, entry.tag = Priority(entry.priority - 1), True, None
        self.push(entry)

    def _count(self, lane: Lane, entry: Entry, sign: int) -> None:
        self.waiting += sign
        lane.waiting += sign
        for dimension, cost in entry.costs.items():
            lane.backlog[dimension] = max(0.0, lane.backlog.get(dimension, 0.0) + sign * cost)
