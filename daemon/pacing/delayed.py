"""Calls that stand beside the line until an instant: they failed, or something else holds them. No clock."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterator

from daemon.pacing.queue import Entry

INFINITE = float("inf")
FEW = 16
"""So many places of those that have left are kept; beyond that never more than half of all."""
_ties = itertools.count()


class Delayed:
    """They come out by the instant at which they are ready."""

    __slots__ = ("_heap", "live")

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Entry]] = []
        self.live: dict[Entry, None] = {}
        """All that wait, as they came."""

    def __repr__(self) -> str:
        return f"<Delayed {len(self)}>"

    def __len__(self) -> int:
        return len(self.live)

    def __iter__(self) -> Iterator[Entry]:
        """All that wait, as they came."""
        return iter(self.live)

    def push(self, entry: Entry) -> None:
        """ENTRY waits until it is ready."""
        self.live[entry] = None
        heapq.heappush(self._heap, (entry.ready_at, next(_ties), entry))

    def leave(self, entry: Entry) -> None:
        """ENTRY waits no longer, if it did; what it holds is not kept."""
        self.live.pop(entry, None)
        if len(self._heap) > FEW + 2 * len(self.live):
            self._heap = [place for place in self._heap if place[2] in self.live]
            heapq.heapify(self._heap)

    def next_at(self) -> float:
        """Return when the next one is ready."""
        while self._heap and self._heap[0][2] not in self.live:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else INFINITE

    def ready(self, now: float) -> Iterator[Entry]:
        """Take out those that are ready, the first one first."""
        while self.next_at() <= now:
            entry = heapq.heappop(self._heap)[2]
            self.live.pop(entry, None)
            yield entry

    def in_order(self) -> list[Entry]:
        """Return all in the order in which they are ready. O(n log n): for people."""
        return [place[2] for place in sorted(self._heap) if place[2] in self.live]
