"""How many connections are in, whichever language they speak."""

from __future__ import annotations

from daemon.doors.gate import Gate


class Crowd:
    """Counts those who are in, by the gate they came through. Each gate has its own count: strangers at one must not
    close the other."""

    def __init__(self, most: int) -> None:
        """MOST: connections at one gate."""
        self._most = most
        self._inside: dict[Gate | None, int] = {}

    def came(self, gate: Gate | None) -> None:
        """One more is in."""
        self._inside[gate] = self._inside.get(gate, 0) + 1

    def went(self, gate: Gate | None) -> None:
        """It has ended."""
        self._inside[gate] -= 1

    def full(self, gate: Gate | None) -> bool:
        """True if there are more than there is room for: the one that came last must go."""
        return self._inside.get(gate, 0) > self._most
