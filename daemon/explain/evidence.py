"""What was seen, in words: a finding writes it in English marks."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

UNSENT: Final = re.compile(r"(?P<value>)this call was not sent: the same key was refused for this a moment ago")
_MARKS: Final = (
    ("status", re.compile(r"status (?P<value>\d+)")),
    ("header", re.compile(r"header (?P<value>.+)", re.DOTALL)),
    ("words", re.compile(r"the words (?P<value>.+)", re.DOTALL)),
    ("compared", re.compile(r"(?P<value>\w+ [<>=]+ \w+)")),
    ("counted", re.compile(r"(?P<value>)counted by Sluice before sending: nothing went out")),
    ("unsent", UNSENT),
    ("waited", re.compile(r"it waited for the network as long as it may \(setting (?P<value>\S+)\)")),
    ("not_again", re.compile(r"(?P<value>)the answer says not to send it again \(x-should-retry: false\)")),
    ("same", re.compile(r"answered as call (?P<value>\S+), which was identical")),
    ("together", re.compile(r"went in one request with call (?P<value>\S+)")),
    ("with_key", re.compile(r"sent with the key or endpoint (?P<value>.+)", re.DOTALL)),
    ("tried", re.compile(r"also tried: (?P<value>.+)", re.DOTALL)),
    ("no_key", re.compile(r"passed over, since (?P<value>\S+ is not set: .+)", re.DOTALL)),
    ("cannot", re.compile(r"passed over, since the call cannot be written for it: (?P<value>.+)", re.DOTALL)),
    ("field", re.compile(r"(?P<value>\S+ \".*\")", re.DOTALL)),
)
"""How a finding writes its evidence: the rules' claims, and the gateway for what it did not even send."""


def shown(evidence: str, forms: Mapping[str, str]) -> str:
    """Return EVIDENCE in the FORMS of a language; what they mark is quoted as it came."""
    for kind, mark in _MARKS:
        if found := mark.fullmatch(evidence):
            return str(forms[kind]).replace("{value}", found["value"])
    return evidence
