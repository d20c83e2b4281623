"""What was seen of a failure, as a finding and the journal keep it: in English, each kind in one form.

Whoever sees something writes it by `mark`; `daemon.explain.evidence` knows it again and says it in each language.
"""

from __future__ import annotations

from typing import Final, Literal

Seen = Literal[
    "status", "header", "words", "compared", "field", "counted", "unsent", "waited", "not_again", "same", "together",
    "with_key", "tried", "cannot", "no_key",
]  # fmt: skip

MARKS: Final[dict[Seen, str]] = {
    "status": "status {value}",
    "header": "header {name}: {value}",
    "words": 'the words "{value}"',
    "counted": "counted by Sluice before sending: nothing went out",
    "unsent": "this call was not sent: the same key was refused for this a moment ago",
    "waited": "it waited for the network as long as it may (setting {setting})",
    "not_again": "the answer says not to send it again (x-should-retry: false)",
    "same": "answered as call {call}, which was identical",
    "together": "went in one request with call {call}",
    "with_key": "sent with the key or endpoint {key}",
    "tried": "also tried: {place} ({why})",
    "cannot": "passed over, since the call cannot be written for it: {place}",
    "no_key": "passed over, since {variable} is not set: {place}",
    "field": '{name} "{value}"',
    "compared": "{left} {sign} {right}",
}
"""Where two forms fit a text, the first one is meant."""


def mark(seen: Seen, **values: object) -> str:
    """What was SEEN, with the VALUES that its form names. Raises KeyError for one that is missing."""
    return MARKS[seen].format(**values)
