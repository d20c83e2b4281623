"""A time that a provider has printed for people: found, and whether it is over."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Final

from daemon.model import Finding

_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH: Final = rf"(?:{'|'.join(_MONTHS)})[a-z]*\.?"
_DAY_TIME: Final = r"\d{1,2}(?::\d\d)? ?[ap]m|\d{1,2}:\d\d(?::\d\d)?"
_ZONE: Final = r"(?: ?\([\w/+:-]{2,40}\)| (?:utc|gmt|[pmce][sd]t)\b)?"
_STATED: Final = re.compile(
    r"(?i)\b(?:try(?:ing)? again|retry|resets?|again|available|until|renews?)"
    r"(?: \w+| when(?: \w+){1,5}?)?(?: at| on| after)? (?P<at>(?:"
    rf"(?:{_MONTH} \d{{1,2}}(?!\d)(?:st|nd|rd|th)?|\d{{1,2}}(?:st|nd|rd|th)? {_MONTH}),?(?: \d{{4}},?)?"
    rf"(?: (?:at )?(?:{_DAY_TIME}))?"
    rf"|\d{{1,2}}/\d{{1,2}}/\d{{4}}|\d{{4}}-\d\d-\d\d(?:[ t](?:at )?\d\d:\d\d(?::\d\d)?)?|(?:{_DAY_TIME})){_ZONE})"
    r"|(?:将在|将于|于|在) ?(?P<dann>\d{4}-\d\d-\d\d \d\d:\d\d(?::\d\d)?) ?(?:后|之后)?(?:重置|恢复|刷新)"
)
"""A time that the provider prints for people, in a zone of its own or none: it is repeated as it stands."""

_DATE: Final = re.compile(
    r"(?i)(?P<y>\d{4})-(?P<m>\d\d)-(?P<d>\d\d)"
    rf"|(?P<name>{_MONTH}) (?P<day>\d{{1,2}})[a-z]*,? (?P<year>\d{{4}})"
    rf"|(?P<first>\d{{1,2}})(?:st|nd|rd|th)? (?P<second>{_MONTH}),? (?P<third>\d{{4}})"
    r"|(?P<part>\d{1,2})/(?P<other>\d{1,2})/(?P<ends>\d{4})"
)


def stated(finding: Finding) -> str:
    """Return when it works again as the provider has put it; nothing where that is known as a time."""
    found = _STATED.search(finding.original) if finding.reset_at is None else None
    return (found["at"] or found["dann"]).strip() if found else ""


def is_over(said: str, now: float | None) -> bool:
    """True if the time that is SAID is of a day that is over at NOW in every zone of the world. A day without its year
    may be one of next year; of `4/5/2031` it is the later reading."""
    found = _DATE.search(said) if now is not None else None
    if found is None or now is None:
        return False
    last = max(_days(found), default=None)
    return last is not None and now > (last + timedelta(days=1, hours=12)).timestamp()


def _days(found: re.Match[str]) -> Iterator[datetime]:
    """Yield the days that a date can mean."""
    year = int(found["y"] or found["year"] or found["third"] or found["ends"])
    if found["ends"]:
        one, two = int(found["part"]), int(found["other"])
        readings = [(one, two), (two, one)]
    else:
        month = int(found["m"] or 0) or _MONTHS.index((found["name"] or found["second"])[:3].lower()) + 1
        readings = [(month, int(found["d"] or found["day"] or found["first"]))]
    for month, day in readings:
        with suppress(ValueError):
            yield datetime(year, month, day, tzinfo=UTC)
