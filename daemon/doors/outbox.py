"""What goes out to one JSON-RPC visitor: text gathered into deltas, and only the newest state for a slow reader."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

DELTA_S = 0.03
"""Seconds in which text is gathered into one delta: fewer redisplays and undo entries in an editor."""


class Outbox:
    """Gathers deltas, and keeps only the newest queue and limits while the visitor reads slowly."""

    def __init__(self, write: Callable[[Mapping[str, Any]], None]) -> None:
        self._write = write
        self._texts: dict[tuple[Any, str], list[str]] = {}
        self._seq: dict[tuple[Any, str], int] = {}
        self._latest: dict[str, Mapping[str, Any]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self.paused = False

    def notify(self, method: str, params: Mapping[str, Any]) -> None:
        if self.paused and method in ("queue", "limits"):
            self._latest[method] = params
            return
        self._write({"jsonrpc": "2.0", "method": method, "params": params})

    def delta(self, tag: Any, call_id: str, text: str) -> None:
        first = (tag, call_id) not in self._seq
        self._texts.setdefault((tag, call_id), []).append(text)
        if first and not self.paused:
            self.flush()
        elif self._timer is None and not self.paused:
            self._timer = asyncio.get_running_loop().call_later(DELTA_S, self.flush)

    def flush(self) -> None:
        self.stop()
        texts, self._texts = self._texts, {}
        for key, parts in texts.items():
            self._seq[key] = seq = self._seq.get(key, 0) + 1
            params = {"id": key[0], "call": key[1], "seq": seq, "text": "".join(parts)}
            self._write({"jsonrpc": "2.0", "method": "delta", "params": params})
        latest, self._latest = self._latest, {}
        for method, latest_params in latest.items():
            self._write({"jsonrpc": "2.0", "method": method, "params": latest_params})

    def forget(self, tag: Any) -> None:
        """The request TAG has been answered."""
        for key in [key for key in self._seq if key[0] == tag]:
            del self._seq[key]

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
