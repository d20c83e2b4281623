"""What was seen, in the words of a language."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import chain, zip_longest
from typing import Final

from daemon.model import MARKS

_HOLDS: Final = {"variable": r"\S+", "name": r"\S+", "left": r"\w+", "sign": "[<>=]+"}
"""What some values are made of; others may be anything."""


def _pattern(form: str) -> re.Pattern[str]:
    """What FORM may have become."""
    texts, names = re.split(r"\{\w+\}", form), re.findall(r"\{(\w+)\}", form)
    values = [f"(?P<{name}>{_HOLDS.get(name, '.*')})" for name in names]
    return re.compile("".join(chain.from_iterable(zip_longest(map(re.escape, texts), values, fillvalue=""))), re.DOTALL)


_PATTERNS: Final = [(seen, _pattern(form)) for seen, form in MARKS.items()]


def shown(evidence: str, forms: Mapping[str, str]) -> str:
    """Return EVIDENCE in the FORMS of a language; what they mark is quoted as it came."""
    for seen, pattern in _PATTERNS:
        if found := pattern.fullmatch(evidence):
            return str(forms[seen]).format(**found.groupdict())
    return evidence
