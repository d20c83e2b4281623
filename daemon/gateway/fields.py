"""The header fields of a request: which go upstream, and what they say of who asks. A client sends the same ones with
each call, so the last few sets of them are read once."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from daemon.model import Headers, SealedHeaders, noun
from daemon.redact import Redactor, Secret

HOP_BY_HOP = frozenset(
    {
        "connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "trailer",
        "transfer-encoding", "upgrade",
    }
)  # fmt: skip
"""RFC 9110 7.6.1, and the old Proxy-Connection."""

SPLIT_LIMITS: Final = frozenset({"openai-organization", "openai-project", "anthropic-workspace"})
"""Fields that split a key's limits."""

KEY_FIELDS: Final = frozenset(
    {
        "authorization", "api-key", "apikey", "x-api-key", "x-goog-api-key", "xi-api-key", "x-key", "x-api-token",
        "x-auth-token", "ocp-apim-subscription-key", "cf-aig-authorization", "helicone-auth", "x-portkey-api-key",
        "x-portkey-virtual-key", "x-litellm-api-key",
    }
)  # fmt: skip
"""Fields in which keys are known to stand. Where one of them is there, other secrets do not tell accounts apart: a
session's token or a signature over the body is another one with each call."""

_SIGNED: Final = re.compile(
    r"(?is)[a-z0-9-]+ +(?:credential|access)=([^/,\s]+).*\bsignature=|bce-auth-v[0-9]+/([^/\s]+)/.*"
)
"""A signature instead of a key (AWS, Google, Tencent, Alibaba, Volcengine, Huawei, Baidu), and the id of who signs."""

_NOT_FORWARDED: Final = HOP_BY_HOP | {"host", "content-length", "expect"}
_READABLE_ENCODINGS: Final = frozenset({"gzip", "x-gzip", "deflate", "identity"})
_MOST: Final = 64
"""Sets of fields that are known again; then all are forgotten."""
_LONGEST: Final = 4096
"""Letters of a set that is known again: cookies are longer."""


@noun(frozen=True, slots=True)
class Fields:
    """What was read."""

    sealed: SealedHeaders
    """Those that go upstream, in order."""
    secrets: tuple[Secret, ...]
    """All that are in them."""
    credentials: tuple[str, ...]
    """By these a client's limits are found: see `credentials`."""
    client: str
    """A short name for a client that gives none."""
    content_type: str | None


class FieldsReader:
    """Reads fields. The last few sets are kept, in this process alone; each with its keys, as the redactor does."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._known: dict[Headers, Fields] = {}

    def read(self, headers: Headers) -> Fields:
        """What HEADERS say."""
        same = tuple([pair for pair in headers if not _is_apart(pair[0])])
        known = self._known.get(same)
        if known is None:
            known = self._read(same)
            if len(self._known) >= _MOST:
                self._known.clear()
            if sum([len(name) + len(value) for name, value in same]) <= _LONGEST:
                self._known[same] = known
        return known

    def _read(self, headers: Headers) -> Fields:
        seal = self._redactor.header
        sent = tuple(forwardable(headers))
        sealed = tuple([(name, seal(name, value)) for name, value in sent])
        secrets = tuple([secret for _, value in sealed for secret in value.secrets()])
        keys = credentials(sealed)
        if any(name.lower() == "authorization" and signer(value) != value for name, value in sent):
            keys = credentials(tuple([(name, seal(name, signer(value))) for name, value in sent]))
        return Fields(sealed, secrets, keys, client_of(headers), first_header(headers, "content-type"))


@lru_cache(maxsize=1024)  # the same few names come with every call
def _is_apart(name: str) -> bool:
    """True for what is another with each call, and does not go on: the length, and what is said to us alone."""
    lower = name.lower()
    return lower == "content-length" or lower.startswith("x-sluice-")


def credentials(headers: SealedHeaders) -> tuple[str, ...]:
    """What of HEADERS decides about limits, whatever their order: the names of the keys, and the organisation and
    project fields that split them. Where no field is known to hold a key, any secret is taken for one."""
    keys, others, splits = list[str](), list[str](), list[str]()
    for name, value in headers:
        lower = name.lower()
        if lower in SPLIT_LIMITS:
            splits.append(f"{lower}={value}")
        elif "cookie" not in lower:
            found = keys if lower in KEY_FIELDS else others
            found += [secret.name for secret in value.secrets()]
    return tuple(sorted({*(keys or others), *splits}))


def signer(value: str) -> str:
    """Who has signed, for an Authorization that is a signature: that is another one with each call. Else VALUE."""
    signed = _SIGNED.match(value)
    return (signed[1] or signed[2]) if signed else value


def forwardable(headers: Headers) -> Iterable[tuple[str, str]]:
    """The fields that go upstream, in order: without hop-by-hop fields, what is made anew, and ours."""
    for name, value in headers:
        lower = name.lower()
        if lower in _NOT_FORWARDED or lower.startswith("x-sluice-"):
            continue
        if lower == "accept-encoding":
            value = readable_encodings(value)
            if not value:
                continue
        yield name, value


def readable_encodings(offer: str) -> str:
    """The client's Accept-Encoding, less what we could not read for usage and errors (br, zstd)."""
    return ", ".join(
        part.strip() for part in offer.split(",") if part.split(";")[0].strip().lower() in _READABLE_ENCODINGS
    )


def without_encodings(headers: SealedHeaders) -> SealedHeaders:
    """HEADERS without Accept-Encoding: nothing can be taken out of a compressed stream."""
    return tuple([pair for pair in headers if pair[0].lower() != "accept-encoding"])


def first_header(headers: Headers, name: str) -> str | None:
    """The first value of the field NAME (lower case), or None."""
    return next((value for field_name, value in headers if field_name.lower() == name), None)


def client_of(headers: Headers) -> str:
    """A short name for a client that gives none: the first word of its User-Agent."""
    agent = first_header(headers, "user-agent") or ""
    return (agent.split("/")[0].split(" ")[0] or "-")[:40]
