"""Who runs on which processor: the load client and the provider on one, gateways on the others.

Left to the system, the three processes of a call stand now so and now so, and to wake one on another processor costs
more than the bare gateway's own work: its median was 0.16 ms in one minute and 0.30 in the next, the same program on
the same machine (measured on a virtual machine of two cores). Apart, it stays within a few hundredths.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

_gateways: set[int] | None = None


@contextmanager
def apart() -> Iterator[bool]:
    """This process, and what it starts, on one processor; what is started in `for_gateways` on the others. Yields
    False, and changes nothing, where there are not two, or the system cannot say who runs where."""
    global _gateways
    allowed = os.sched_getaffinity(0) if hasattr(os, "sched_setaffinity") else set[int]()
    if len(allowed) < 2:
        yield False
        return
    ours = {min(allowed)}
    _gateways = allowed - ours
    os.sched_setaffinity(0, ours)
    try:
        yield True
    finally:
        _gateways = None
        os.sched_setaffinity(0, allowed)


@contextmanager
def for_gateways() -> Iterator[None]:
    """A process that is started here runs on the gateways' processors, if they are `apart`."""
    if _gateways is None:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, _gateways)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
