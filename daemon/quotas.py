"""The fields RateLimit and RateLimit-Policy, as answers carry them.

Source: draft-ietf-httpapi-ratelimit-headers, in the form of its version 7 (`limit=100, remaining=50, reset=5` and
`100;w=60`) and of those from 8 on (`"burst";r=0;t=55` and `"burst";q=500;w=300`); Hugging Face writes a word before the
name: `"fixed window";"api";q=500;w=300` (seen).
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

MOST_ITEMS: Final = 16
_ITEM: Final = re.compile(r'(?:"[^"]{0,100}"|[^",])+')
_NAME: Final = re.compile(r'(?<!=)"([^"]*)"(?=\s*(?:;|$))')
_PARAMETER: Final = re.compile(r'(?:^|[;,])\s*([a-z]+)\s*=\s*"?([\w.-]{1,40})"?')


class Quota(NamedTuple):
    """One limit of requests; texts as they came, None where nothing is said."""

    limit: str | None
    remaining: str | None
    reset_s: str | None
    """Seconds until there is room again."""
    window_s: str | None


def quotas(ratelimit: str, policy: str) -> list[Quota]:
    """The limits of requests in the values of RATELIMIT and of its POLICY, either of which may be empty."""
    old = dict(_PARAMETER.findall(ratelimit))
    if "remaining" in old:
        bare = re.match(r"\s*(\d+)\s*;", policy)
        window = dict(_PARAMETER.findall(policy)).get("w") if bare and bare[1] == old.get("limit") else None
        return [Quota(old.get("limit"), old["remaining"], old.get("reset"), window)]
    now, policies = _items(ratelimit), _items(policy)
    found = []
    for name in dict.fromkeys((*now, *policies)):
        state, about = now.get(name, {}), policies.get(name, {})
        if about.get("qu", "requests") == "requests" and ("r" in state or "q" in about):
            found.append(Quota(about.get("q"), state.get("r"), state.get("t"), about.get("w")))
    return found


def _items(text: str) -> dict[str, dict[str, str]]:
    """The parameters of each item, by its name."""
    found: dict[str, dict[str, str]] = {}
    for item in _ITEM.findall(text)[:MOST_ITEMS]:
        names = _NAME.findall(item)
        if names:
            found.setdefault(names[-1], dict(_PARAMETER.findall(item)))
    return found
