"""What a call is told by is made anew for each call, a dozen times: quickly.

`@noun(frozen=True, slots=True)` is a frozen dataclass to whoever reads it, and to mypy, which lets nobody assign to a
field. To the interpreter it is a plain one with slots: frozen, a value sets each field by a function call, and one of
sixteen fields takes 2.3 us instead of 0.5 (measured).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from dataclasses import dataclass as noun
else:
    from dataclasses import dataclass

    T = TypeVar("T")

    def noun(*, frozen: bool, slots: bool) -> Any:
        """The decorator; FROZEN is for who reads, and makes it equal and hashable by value."""
        return dataclass(slots=slots, unsafe_hash=frozen)


__all__ = ["noun"]
