"""Values as SQLite and JSON can hold them. What comes in from a network can hold more."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any, Final

_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_MOST: Final = 2**63 - 1
_ENCODER: Final = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"), check_circular=False)


def text(value: str) -> str:
    """VALUE without lone surrogates (SQLite refuses them) and NUL (its functions stop there, Emacs' JSON too)."""
    if "\0" in value:
        value = value.replace("\0", "\N{SYMBOL FOR NULL}")
    if value.isascii():
        return value
    return _SURROGATE.sub("\N{REPLACEMENT CHARACTER}", value)


def cell(value: Any) -> Any:
    """VALUE for one column: integers over 64 bits become the largest, NaN becomes nothing."""
    if isinstance(value, str):
        return text(value)
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int):
        return max(-_MOST, min(_MOST, value))
    if isinstance(value, float) and math.isnan(value):
        return None
    return value


def as_json(value: Any) -> str:
    """VALUE as JSON text for a column."""
    try:
        made = _ENCODER.encode(value)
        made.encode()  # fails for lone surrogates
    except (TypeError, ValueError):
        return _ENCODER.encode(_tree(value))
    return _ENCODER.encode(_tree(value)) if "\\u0000" in made else made


def _tree(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {text(str(key)): _tree(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_tree(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if value is None or isinstance(value, (str, bool, int, float)):
        return cell(value) if not isinstance(value, bool) else value
    return text(str(value))
