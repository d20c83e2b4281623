"""How bytes come in: through one buffer for all connections, out of which each takes what is its own."""

from __future__ import annotations

import asyncio
from typing import Final

SIZE: Final = 256 * 1024
"""Bytes at most of one reading."""

_buffer: Final = memoryview(bytearray(SIZE))


class Inlet(asyncio.BufferedProtocol):
    """A protocol that gets its bytes by `data_received`, each time exactly as many as have come.

    With `asyncio.Protocol` the loop makes 256 KiB of room for each reading and gives back what was not needed. What is
    kept of a call then lies scattered over the heap with such rooms between, and ever more of it had been touched: 200
    KiB a minute (measured over four). Nobody waits between a reading and `data_received`, so one buffer does.
    """

    def data_received(self, data: bytes) -> None:
        """DATA has come."""

    def get_buffer(self, sizehint: int) -> memoryview:
        """Where to put what comes."""
        return _buffer

    def buffer_updated(self, nbytes: int) -> None:
        """So much has come."""
        self.data_received(bytes(_buffer[:nbytes]))
