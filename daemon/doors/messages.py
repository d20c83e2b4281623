"""JSON-RPC messages: strict in what is read, and what every JSON reader can read in what is written. No I/O."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any

from daemon.phrases import phrase

_ESCAPED_NUL = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")


def valid_id(tag: Any) -> bool:
    """True for a string of at most 128 characters or a whole number of at most 64 bits."""
    if isinstance(tag, bool):
        return False
    if isinstance(tag, str):
        return len(tag) <= 128 and is_text(tag)
    return isinstance(tag, int) and abs(tag) < 2**63


def parse(message: bytes) -> Any:
    """The JSON value of MESSAGE. Raises ValueError for everything that is not plain JSON."""
    try:
        return json.loads(message.decode("utf-8"), parse_constant=_no_constant, parse_float=_finite)
    except RecursionError:
        raise ValueError(phrase("rpc.deep")) from None
    except UnicodeDecodeError:
        raise ValueError(phrase("rpc.not_utf8")) from None


def _no_constant(name: str) -> Any:
    raise ValueError(phrase("rpc.no_constant", name=name))


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError(phrase("rpc.huge_number"))
    return number


def is_text(value: Any) -> bool:
    """False if a string in VALUE holds a lone surrogate, which neither the journal nor a provider takes."""
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def plain(value: Any) -> Any:
    """VALUE with null in place of numbers that JSON does not have."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: plain(part) for key, part in value.items()}
    return [plain(part) for part in value] if isinstance(value, (list, tuple)) else value


def serialize(message: Mapping[str, Any]) -> bytes:
    """MESSAGE as UTF-8 JSON on one line that both of Emacs' parsers can read: no NUL, no lone surrogate, no NaN."""
    try:
        text = json.dumps(message, ensure_ascii=False, separators=(",", ":"), default=str, allow_nan=False)
    except ValueError:
        text = json.dumps(plain(message), ensure_ascii=False, separators=(",", ":"), default=str)
    if "\\u0000" in text:
        text = _ESCAPED_NUL.sub(r"\1", text)
    return text.encode("utf-8", "replace")
