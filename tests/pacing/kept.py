"""What is remembered over a restart, for tests of any folder."""

from __future__ import annotations


class Kept:
    """A memory that outlives a pacer."""

    def __init__(self) -> None:
        self.values: dict[tuple[str, str], str] = {}

    def recall(self, kind: str) -> dict[str, str]:
        return {key: value for (k, key), value in self.values.items() if k == kind}

    def remember(self, kind: str, key: str, value: str) -> None:
        self.values[kind, key] = value

    remember_now = remember

    def forget(self, kind: str, key: str) -> None:
        self.values.pop((kind, key), None)
