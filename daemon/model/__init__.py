"""The nouns. Values only: frozen, slotted, no I/O. What two rooms both need is here.

Times: names that end in `_s` are seconds; `_at` is Unix time in seconds. Token counts are floats before a call
(estimates) and ints after it (what the provider reported).
"""

from daemon.dimensions import DIMENSIONS
from daemon.model.call import (
    BARE_METHODS,
    Ask,
    CacheUse,
    Call,
    Chat,
    Company,
    Dimension,
    Estimate,
    Headers,
    Limit,
    Message,
    Origin,
    Priority,
    Scope,
    SealedHeaders,
    Sharing,
    Usage,
    Way,
)
from daemon.model.event import (
    Event,
    EventKind,
    Memory,
    Reply,
)
from daemon.model.evidence import MARKS, mark
from daemon.model.failure import (
    UNREAD,
    Action,
    Confidence,
    Explanation,
    Failure,
    Finding,
    Reading,
    Retry,
    Situation,
    TransportFault,
)
from daemon.model.noun import noun

__all__ = [
    "BARE_METHODS",
    "DIMENSIONS",
    "MARKS",
    "UNREAD",
    "Action",
    "Ask",
    "CacheUse",
    "Call",
    "Chat",
    "Company",
    "Confidence",
    "Dimension",
    "Estimate",
    "Event",
    "EventKind",
    "Explanation",
    "Failure",
    "Finding",
    "Headers",
    "Limit",
    "Memory",
    "Message",
    "Origin",
    "Priority",
    "Reading",
    "Reply",
    "Retry",
    "Scope",
    "SealedHeaders",
    "Sharing",
    "Situation",
    "TransportFault",
    "Usage",
    "Way",
    "mark",
    "noun",
]
