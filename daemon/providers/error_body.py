"""The error body that a client gets: always a JSON object in the provider's own shape, with our explanation inside.

gptel shows `error.message` and nothing else; a body without it shows nothing at all, and HTML shows "Malformed JSON".
SDKs decide by `type`, `code`, `param` and `status`: those stay as they came.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final, Literal

from daemon.phrases import phrase
from daemon.providers.dialect import Dialect

_MESSAGE_FIELDS: Final = ("message", "detail", "Message", "error_msg", "msg", "errorMessage", "text", "title")
_SAME_IN_ERROR: Final = ("type", "code", "param", "status")
"""Fields that flat bodies have beside the message and that belong into `error`."""


def error_body(
    dialect: Dialect,
    explanation_json: Mapping[str, Any],
    *,
    status: int,
    original: bytes,
    mode: Literal["inline", "field"],
    message: str | None,
) -> bytes:
    """Write the body.

    `inline`: the message is MESSAGE and the provider's own sentence moves to `error.sluice.original`. `field`: the
    message stays, and only `error.sluice` is added. Other fields of the original are kept, at the top and in `error`.
    """
    top = _parsed(original)
    error = _error_fields(top)
    said = (_message_of(top, error) or _plain_text(original, top)).replace("\0", "").strip()
    line = message if message and (mode == "inline" or not said) else said
    line = line or phrase("fault.silent", status=status).told(str(explanation_json.get("language") or "en"))
    known = {key: value for key, value in error.items() if key != "message"}
    whole = dialect.error_object(known, line, status)
    sluice = dict(explanation_json)
    sluice["original"] = sluice.get("original") or said
    whole["error"] = {**whole["error"], "sluice": sluice}
    for key, value in top.items():
        whole.setdefault(key, value)
    if mode == "inline" and isinstance(top.get("message"), str):
        whole["message"] = line  # clients of flat bodies (Mistral, Cerebras, Bedrock) read it there
    return _dump(whole)


def _parsed(original: bytes) -> dict[str, Any]:
    """The body as an object: Gemini's arrays give their first error; what is no object is empty."""
    try:
        document = json.loads(original, parse_constant=lambda _: None)
    except (ValueError, RecursionError):
        return {}
    if isinstance(document, list):
        objects = [part for part in document if isinstance(part, dict)]
        document = next((part for part in objects if "error" in part), objects[0] if objects else {})
    return document if isinstance(document, dict) else {}


def _error_fields(top: Mapping[str, Any]) -> dict[str, Any]:
    """What stands in `error`, or what a flat body has in its place."""
    error = top.get("error")
    if isinstance(error, dict):
        return dict(error)
    if isinstance(top.get("detail"), dict):
        error = dict(top["detail"])
        return {**error, "code": error.get("code", error.get("status"))}
    found = {key: top[key] for key in _SAME_IN_ERROR if key in top and not (key == "type" and top[key] == "error")}
    if isinstance(top.get("error_code"), (str, int)):
        found.setdefault("code", top["error_code"])
    return found


def _message_of(top: Mapping[str, Any], error: Mapping[str, Any]) -> str:
    """The provider's own sentence, from wherever it stands; empty when there is none."""
    places: list[Any] = [error.get(key) for key in _MESSAGE_FIELDS]
    places.append(top.get("error"))
    places += [top.get(key) for key in _MESSAGE_FIELDS]
    errors = top.get("errors")
    if isinstance(errors, list) and errors:
        first = errors[0]
        places += [first.get(key) for key in _MESSAGE_FIELDS] if isinstance(first, dict) else [first]
    for place in places:
        if isinstance(place, list) and place and isinstance(place[0], dict):  # FastAPI: detail: [{msg: …}]
            place = place[0].get("msg")
        if isinstance(place, str) and place.strip():
            return " ".join(place.split())
    return ""


def _plain_text(original: bytes, top: Mapping[str, Any]) -> str:
    """A body that is text and no object: its beginning. Of HTML nothing: a page is not a sentence."""
    if top:
        return ""
    text = original[:4000].decode("utf-8", "replace").strip()
    if text.startswith('"'):
        try:
            text = str(json.loads(original))
        except (ValueError, RecursionError):
            text = text.strip('"')
    if text.startswith(("<", "{", "[")):
        return ""
    return " ".join(text[:500].split())


def _dump(whole: Mapping[str, Any]) -> bytes:
    """JSON that Emacs can read: no lone surrogates, no NUL."""
    text = json.dumps(whole, ensure_ascii=False)
    if "\\u0000" in text:
        text = json.dumps(_without_nul(whole), ensure_ascii=False)
    return text.encode("utf-8", "replace")


def _without_nul(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("\0", "")
    if isinstance(value, dict):
        return {_without_nul(key): _without_nul(part) for key, part in value.items()}
    return [_without_nul(part) for part in value] if isinstance(value, list) else value
