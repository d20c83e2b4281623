"""Who answered: from the host, else from what only one provider writes (`data/catalogue/signs.yaml`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from daemon.explain.patterns import search
from daemon.explain.view import View


@dataclass(frozen=True, slots=True)
class Sign:
    """How a provider is recognised, what it is called, and its pages for people."""

    id: str
    name: str
    hosts: tuple[str, ...]
    text: str | None
    hint: str | None
    """What others have copied; counts where nobody has left a sign."""
    headers: tuple[str, ...]
    relay: bool
    reset_is_wait: bool
    """`x-ratelimit-reset` is the suggested wait in seconds."""
    pages: Mapping[str, str]


def signs_from(data: Mapping[str, Any]) -> tuple[Sign, ...]:
    """Build the signs from the mapping in signs.yaml, in its order."""
    return tuple(
        Sign(
            id=name, name=entry["name"], hosts=tuple(entry.get("hosts", ())), text=entry.get("text"),
            hint=entry.get("hint"), headers=tuple(entry.get("header", ())), relay=bool(entry.get("relay")),
            reset_is_wait=bool(entry.get("reset_is_wait")), pages=entry.get("pages", {}),
        )
        for name, entry in data.items()
    )  # fmt: skip


def providers(view: View, given: str | None, signs: tuple[Sign, ...]) -> tuple[str, ...]:
    """Return who may have answered, the surest first: whom we asked, whose host it is, whose words they are."""
    found: list[str] = [given] if given else []
    host = view.host.split(":")[0].lower()
    if host:
        found += [sign.id for sign in signs if host.endswith(tuple(sign.hosts or ("\0",)))]
    own = (s for s in signs if any(n in view.headers for n in s.headers) or (s.text and search(s.text, view.marks)))
    hints = (s for s in signs if s.hint and search(s.hint, view.marks))
    if sign := next(own, None) or next(hints, None):
        found.append(sign.id)
    return tuple(dict.fromkeys(found))
