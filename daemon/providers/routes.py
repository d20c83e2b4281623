"""What a request is, by its method and path alone, and which model the path names.

The path decides and not the host: relays and gateways serve several APIs on one host.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final
from urllib.parse import unquote

from daemon.providers.dialect import model_name


@dataclass(frozen=True, slots=True)
class Route:
    """One kind of request."""

    kind: str
    """A word of `daemon.model.Ask.kind`."""
    dialect: str
    model: str | None = None
    """The model, where the path has it."""


_POST: Final = tuple(
    (re.compile(pattern), kind, dialect)
    for pattern, kind, dialect in (
        (r"/chat/completions$", "chat", "openai"),
        (r"/responses$", "responses", "openai"),
        (r"/messages$", "messages", "anthropic"),
        (r"/(models|tunedModels|endpoints)/[^/]+:(stream)?[gG]enerateContent$", "generate", "gemini"),
        (r"/models/[^/]+:(rawPredict|streamRawPredict)$", "messages", "anthropic"),
        (r"/completions$", "completions", "openai"),
        (r"/api/embed(dings)?$", "embeddings", "ollama"),
        (r"/embeddings$", "embeddings", "openai"),
        (r"/models/[^/]+:(batchEmbedContents|embedContent)$", "embeddings", "gemini"),
        (r"/models/[^/]+:predict$", "images", "gemini"),
        (r"/images/(generations|edits|variations)$", "images", "openai"),
        (r"/audio/(speech|transcriptions|translations)$", "audio", "openai"),
        (r"/model/[^/]+/(converse|invoke)(-stream|-with-response-stream)?$", "chat", "bedrock"),
        (r"/api/chat$", "chat", "ollama"),
        (r"/api/generate$", "completions", "ollama"),
        (r"/messages/count_tokens$", "other", "anthropic"),
    )
)
_LONGEST: Final = 512
"""Letters of a path that is known again."""
_LIST: Final = re.compile(r"/(models(/[^:]*)?|api/tags|foundation-models)$")
_MODEL_IN_PATH: Final = re.compile(
    r"/(?:models|tunedModels|endpoints|deployments|model)/([^/:]+(?::[^/:]+)*?)(?:/|:[a-zA-Z]+$|$)"
)


def route(method: str, target: str) -> Route:
    """Find what METHOD and TARGET ask for; kind `other` when it is nothing that Sluice counts."""
    path = target.partition("?")[0]
    return _known(method, path) if len(path) <= _LONGEST else _route(method, path)


def _route(method: str, path: str) -> Route:
    if method.upper() == "GET":
        return Route("models" if _LIST.search(path) else "other", "openai")
    if method.upper() == "POST":
        for pattern, kind, dialect in _POST:
            if pattern.search(path):
                return Route(kind, dialect, _model_in(path))
    return Route("other", "openai")


_known: Final = lru_cache(maxsize=256)(_route)
"""The same few paths come with every call."""


def _model_in(path: str) -> str | None:
    match = _MODEL_IN_PATH.search(path)
    return model_name(unquote(match[1])) if match else None
