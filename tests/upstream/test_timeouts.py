"""The timer of a connection, on a clock that is turned by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from daemon.upstream.timeouts import Watchdog


class Clock:
    """What a watchdog needs of a loop."""

    def __init__(self) -> None:
        self.now = 0.0
        self.timers: list[Timer] = []
        self.made = 0

    def time(self) -> float:
        """Seconds."""
        return self.now

    def call_at(self, when: float, ring: Callable[[], None]) -> Timer:
        """Set a timer."""
        self.made += 1
        self.timers.append(timer := Timer(self, when, ring))
        return timer

    def turn(self, now: float) -> None:
        """Let time pass."""
        while due := [timer for timer in self.timers if timer.at <= now]:
            first = min(due, key=lambda timer: timer.at)
            self.timers.remove(first)
            self.now = max(self.now, first.at)
            first.ring()
        self.now = now


class Timer:
    """One of them."""

    def __init__(self, clock: Clock, at: float, ring: Callable[[], None]) -> None:
        self.clock = clock
        self.at = at
        self.ring = ring

    def when(self) -> float:
        """Its time."""
        return self.at

    def cancel(self) -> None:
        """Ring no more."""
        if self in self.clock.timers:
            self.clock.timers.remove(self)


def made() -> tuple[Any, Clock, list[float]]:
    """A watchdog that notes when it bit."""
    clock, bites = Clock(), []
    loop: Any = clock
    return Watchdog(loop, lambda: bites.append(clock.now)), clock, bites


def test_it_bites_once_and_in_time() -> None:
    """Neither before nor twice."""
    dog, clock, bites = made()
    dog.watch(10)
    clock.turn(9.9)
    assert bites == []
    clock.turn(50)
    assert bites == [10]


def test_a_later_deadline_costs_no_timer() -> None:
    """A hundred calls on one connection set one timer, which looks again when it rings."""
    dog, clock, bites = made()
    for second in range(100):
        clock.turn(second)
        dog.watch(600)
        dog.rest()
    assert clock.made == 1
    dog.watch(600)
    clock.turn(2000)
    assert bites == [699]


def test_an_earlier_deadline_holds() -> None:
    """After 600 seconds for the headers come 300 for each piece."""
    dog, clock, bites = made()
    dog.watch(600)
    clock.turn(1)
    dog.watch(300)
    clock.turn(1000)
    assert bites == [301]


def test_at_rest_and_gone() -> None:
    """It bites nobody while it rests, and leaves no timer when the connection has ended."""
    dog, clock, bites = made()
    dog.watch(10)
    dog.rest()
    clock.turn(20)
    dog.watch(10)
    dog.leave()
    dog.leave()
    clock.turn(100)
    assert (bites, clock.timers) == ([], [])
