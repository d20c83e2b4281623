"""Secrets, and the one place through which everything that is stored or shown passes.

A `Secret` never shows its value: `str`, `repr` and `format` give its bucket name. A `Sealed` text is a text
with secrets in it, for example a header value (`Bearer «…»`) or a request target (`/v1/models?key=«…»`).
Only `daemon.upstream` may call `reveal()`; tests/test_house.py holds it so.
"""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Iterable
from functools import lru_cache
from hashlib import blake2b
from typing import Final, NoReturn
from urllib.parse import quote, unquote

SECRET_HEADER: Final = re.compile(
    r"(?i)^(cookie|set-cookie|(.*[-_])?key"
    r"|.*(authorization|api[-_]?key|access[-_]?key|token|secret|passw(or)?d|credential|signature|jwt).*|(.*[-_])?auth([-_].*)?)$"
)
"""Header names whose values are secret. By pattern, not by list: people's gateways invent names."""

NOT_SECRET_HEADER: Final = re.compile(
    r"(?i)^(x-ratelimit-.*|anthropic-ratelimit-.*|x-tokenlimit-.*|ratelimit.*|.*max[-_]tokens|.*tokens[-_](used|count|limit).*"
    r"|(x-)?idempotency-key|sec-websocket-key|.*cache-key)$"
)
"""Names that the pattern above would catch since limits count tokens, and since not every `key` is a credential."""

KEPT_HEADER: Final = re.compile(
    r"(?i)^(accept(-encoding|-language|-charset)?|content-(type|encoding|language|disposition|md5)|user-agent|date|prefer"
    r"|priority|range|cache-control|pragma|if-(match|none-match|modified-since|unmodified-since|range)|origin|(http-)?referer"
    r"|sec-fetch-.*|dnt|traceparent|(x-|x-client-)?(request|correlation)-id|(x-)?idempotency-key|x-(title|app|initiator)"
    r"|x-requested-with|x-forwarded-(for|host|proto)|x-http-method-override|x-sluice-.*|x-stainless-.*"
    r"|anthropic-(version|beta|dangerous-direct-browser-access|workspace)|openai-(version|beta|organization|project|intent)"
    r"|x-goog-(api-client|user-project|request-params)|x-server-timeout|x-dashscope-(sse|async|plugin|workspace)"
    r"|x-amz-(date|target|content-sha256)|x-amzn-bedrock-.*|x-amzn-trace-.*|amz-sdk-.*"
    r"|x-ms-(client-request-id|useragent|version|date)|x-openrouter-(title|categories)|x-wait-for-model|x-use-cache"
    r"|editor-(plugin-)?version|copilot-(integration-id|vision-request)|x-github-api-version"
    r"|helicone-(cache|retry|rate-?limit).*|cf-aig-(cache|skip|step|max|request|event|collect|backoff).*"
    r"|x-portkey-(provider|config|trace-id|cache-.*|retry-.*))$"
)
"""Header fields of a request whose values are kept: what clients are known to send, and no credential stands in.

Of a field with any other name only the name is kept and the length of its value: a gateway may call its password
anything. An allowlist does not forget the name that nobody has thought of."""

SECRET_QUERY: Final = re.compile(
    r"(?i)^(sig|code|auth|(.*[-_])?key|.*(api[-_]?key|token|secret|passw(or)?d|credential|signature|jwt).*)$"
)
"""Query parameters whose values are secret; Gemini's `key` above all, and `code`, which Azure Functions take."""

NOT_SECRET_QUERY: Final = re.compile(r"(?i)^((next[-_]?)?page[-_]?token|.*tokens)$")
"""Names that the pattern above would catch: Gemini pages its model list with `pageToken`."""

_AUTH_SCHEME: Final = re.compile(r"^(Bearer|Bot|Basic|Token|Key|Digest|ApiKey)( +)(.+)$", re.IGNORECASE | re.DOTALL)

_SHAPES: Final = tuple(
    (literal, re.compile(re.escape(literal) + rest))
    for literal, rest in (
        ("sk-", r"(?<!\wsk-)(?=[A-Za-z_-]*[0-9])[A-Za-z0-9_-]{19,}"),
        ("AIza", r"[0-9A-Za-z_-]{30,}"),
        ("gsk_", r"[A-Za-z0-9]{20,}"),
        ("xai-", r"(?<!\wxai-)[A-Za-z0-9]{20,}"),
        ("hf_", r"(?<!\whf_)[A-Za-z0-9]{20,}"),
        ("github_pat_", r"[A-Za-z0-9_]{20,}"),
        *((f"gh{letter}_", rf"(?<!\wgh{letter}_)[A-Za-z0-9]{{20,}}") for letter in "pousr"),
        ("AKIA", r"(?<!\wAKIA)[0-9A-Z]{16}\b"),
        ("nvapi-", r"[A-Za-z0-9_-]{20,}"),
        ("pplx-", r"[A-Za-z0-9_-]{20,}"),
        ("xox", r"[abeoprs]-[0-9A-Za-z-]{10,}"),
        ("-----BEGIN ", r"[A-Z ]{0,40}PRIVATE KEY(?: BLOCK)?-----[^-]{1,20000}(?:-----END [A-Z ]{1,60}-----)?"),
        *((word, r" +(?!«)[A-Za-z0-9._~+/=-]{16,}") for word in ("Bearer", "bearer", "BEARER")),
    )
)
"""The second net: the shapes of well-known keys, for texts that did not come with a call. Each begins with a literal,
so that a text without it costs one substring search: one big alternation took 1.8 s for 5 MB (measured; now 0.07 s),
and a search holds the GIL.
`sk-` wants a digit somewhere, since class names such as `sk-loading-spinner-container` have none and keys always do."""

DUMMIES: Final = frozenset(
    {
        "ollama",
        "sluice",
        "lm-studio",
        "dummy",
        "no-key",
        "no-key-required",
        "sk-no-key-required",
        "not-needed",
        "EMPTY",
        "anything",
    }
)
"""Values that people give to local servers which want no key. No secret, and words that texts need."""

_ESCAPED_OCTET: Final = re.compile("%[0-9A-F]{2}")

KNOWN: Final = 64
"""Secrets that a redactor knows again: a call's key is the same as the last one's, and its forms take 10 us to make."""

KNOWN_LENGTH: Final = 512
"""Longer ones are cookies, and made anew."""

MIN_EXACT: Final = 6
"""Shorter secrets (`x`, `none`, `key`) are not searched for in texts: they would blot out ordinary words."""


class Secret:
    """A key, token or password. Shows only its bucket name."""

    __slots__ = ("_forms", "_value", "name")

    def __init__(self, value: str, name: str) -> None:
        self._value = value
        self._forms: tuple[str, ...] | None = None
        self.name = name
        """The bucket: the same secret has the same name within one installation, and nothing can be guessed from it."""

    def reveal(self) -> str:
        """Return the value. For `daemon.upstream` alone."""
        return self._value

    def forms(self) -> tuple[str, ...]:
        """The forms in which it may stand in a text, longest first; none for a value that is no real secret.

        For `scrub` alone. Kept with the secret, since ten texts of a call are scrubbed, and forgotten with it.
        """
        if self._forms is None:
            real = len(self._value) >= MIN_EXACT and self._value not in DUMMIES
            self._forms = tuple(sorted(_forms(self._value), key=len, reverse=True)) if real else ()
        return self._forms

    def __str__(self) -> str:
        return f"«{self.name}»"

    __repr__ = __str__

    def __format__(self, spec: str) -> str:
        return format(str(self), spec)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash((Secret, self.name))

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret cannot be pickled or copied out of the process")


class Withheld:
    """In the place of a value that was not kept: how long it was, in characters."""

    __slots__ = ("length",)

    def __init__(self, length: int) -> None:
        self.length = length

    def reveal(self) -> str:
        """Nothing: the value is gone."""
        return ""

    def __str__(self) -> str:
        return f"«{self.length} characters»"

    __repr__ = __str__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Withheld) and other.length == self.length

    def __hash__(self) -> int:
        return hash((Withheld, self.length))


class Sealed:
    """A text with secrets in it: plain pieces and `Secret`s in order. Or nothing but what was withheld."""

    __slots__ = ("parts",)

    def __init__(self, *parts: str | Secret | Withheld) -> None:
        self.parts = parts

    @property
    def withheld(self) -> int | None:
        """How many characters its value had, if that was not kept."""
        return next((part.length for part in self.parts if isinstance(part, Withheld)), None)

    def reveal(self) -> str:
        """Return the real text. For `daemon.upstream` alone."""
        parts = self.parts
        if len(parts) == 1 and isinstance(parts[0], str):  # as most are
            return parts[0]
        return "".join([part if isinstance(part, str) else part.reveal() for part in parts])

    def secrets(self) -> tuple[Secret, ...]:
        """The secrets in it, in order."""
        parts = self.parts
        if len(parts) == 1 and isinstance(parts[0], str):
            return ()
        return tuple([part for part in parts if isinstance(part, Secret)])

    def __str__(self) -> str:
        return "".join([str(part) for part in self.parts])

    def __repr__(self) -> str:
        return f"Sealed({str(self)!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sealed) and other.parts == self.parts

    def __hash__(self) -> int:
        return hash(self.parts)


class Redactor:
    """Names secrets, seals texts, and takes secrets out of whatever is stored or shown."""

    def __init__(self, install_secret: bytes) -> None:
        self._install_secret = install_secret[:64]
        self._known: dict[str, Secret] = {}

    def secret(self, value: str) -> Secret:
        """Wrap VALUE under its bucket name. The last few secrets are remembered, in this process alone."""
        known = self._known.get(value)
        if known is None:
            known = self._named(value)
            if len(self._known) >= KNOWN:
                self._known.clear()
            if len(value) <= KNOWN_LENGTH:
                self._known[value] = known
        return known

    def recent(self) -> tuple[Secret, ...]:
        """The last few secrets, for texts of which nobody knows to which call they belong."""
        return tuple(self._known.values())

    def _named(self, value: str) -> Secret:
        """The name is a keyed blake2b, so that a pasted journal confirms no guess."""
        digest = blake2b(_raw(value), key=self._install_secret, digest_size=8).digest()
        return Secret(value, "key:" + base64.b32encode(digest).decode().lower().rstrip("="))

    def header(self, name: str, value: str) -> Sealed:
        """Seal one header value if its NAME says that it is secret; an auth scheme in front stays visible."""
        if not value or not _is_secret_header(name):
            return Sealed(value)
        scheme = _AUTH_SCHEME.match(value)
        if scheme:
            return Sealed(scheme[1] + scheme[2], self.secret(scheme[3]))
        return Sealed(self.secret(value))

    def target(self, raw: str) -> Sealed:
        """Seal the secret query values of a request target, which otherwise stays byte for byte."""
        path, mark, query = raw.partition("?")
        if not mark:
            return Sealed(raw)
        parts: list[str | Secret] = [path + "?"]
        for i, pair in enumerate(query.split("&")):
            name, equals, value = pair.partition("=")
            parts.append(("&" if i else "") + name + equals)
            if value:
                parts.append(self.secret(value) if _is_secret_query(name) else value)
        return Sealed(*_joined(parts))

    def scrub(self, text: str, secrets: Iterable[Secret] = ()) -> str:
        """Return TEXT without SECRETS (plain, URL-quoted, JSON-escaped, base64) and without what looks like a key."""
        return scrub(text, secrets)

    def scrub_bytes(self, data: bytes, secrets: Iterable[Secret] = ()) -> bytes:
        """The same for bytes that may not be UTF-8."""
        return scrub_bytes(data, secrets)


def scrub(text: str, secrets: Iterable[Secret] = ()) -> str:
    """`Redactor.scrub` for rooms that have no redactor: taking secrets out needs no installation secret."""
    held = tuple(secrets)
    if len(held) > 1:  # longest first: where one key begins with another, the shorter one would leave that one's end
        held = tuple(sorted(held, key=lambda s: len(s._value), reverse=True))
    for secret in held:
        for form in secret.forms():
            if form in text:
                text = text.replace(form, str(secret))
    for literal, shape in _SHAPES:
        if literal in text:
            text = shape.sub("«redacted»", text)
    return text


def scrub_bytes(data: bytes, secrets: Iterable[Secret] = ()) -> bytes:
    """The same for bytes that may not be UTF-8."""
    return scrub(data.decode("utf-8", "surrogateescape"), secrets).encode("utf-8", "surrogateescape")


def withhold(name: str, value: Sealed) -> Sealed:
    """VALUE of the header field NAME as it may be kept and shown: without what nobody knows to be harmless."""
    if not any(value.parts) or not all(isinstance(part, str) for part in value.parts) or _is_kept_header(name):
        return value
    return Sealed(Withheld(len(str(value))))


@lru_cache(maxsize=1024)  # the same few names come with every call
def _is_kept_header(name: str) -> bool:
    return bool(KEPT_HEADER.match(name))


@lru_cache(maxsize=1024)  # the same few names come with every call
def _is_secret_header(name: str) -> bool:
    return bool(SECRET_HEADER.match(name)) and not NOT_SECRET_HEADER.match(name)


def _is_secret_query(name: str) -> bool:
    plain = unquote(name)
    return bool(SECRET_QUERY.match(plain)) and not NOT_SECRET_QUERY.match(plain)


def _forms(value: str) -> set[str]:
    """The forms in which a secret may stand in a text."""
    raw = _raw(value)
    escaped = {json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]}
    quoted = {quote(raw, safe=safe) for safe in ("", "/", "/+=:")}
    forms = {value, html.escape(value), unquote(value), *escaped, *(e.replace("/", "\\/") for e in escaped)}
    forms |= {*quoted, *(_ESCAPED_OCTET.sub(lambda octet: octet[0].lower(), q) for q in quoted)}
    forms = {form for form in forms if len(form) >= MIN_EXACT}  # unquoting can make a short word of a long value
    for shift in range(3):  # base64 of a text that holds the secret somewhere: three alignments, edges cut
        encoded = base64.b64encode(b"\0" * shift + raw).decode()
        body = encoded[(0, 2, 3)[shift] : len(encoded) - (0, 3, 2)[(shift + len(raw)) % 3]]
        if len(body) >= MIN_EXACT:
            forms |= {body, body.replace("+", "-").replace("/", "_")}
    return forms


def _raw(text: str) -> bytes:
    """The bytes of TEXT; JSON can bring surrogates that stand for no byte."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")


def _joined(parts: list[str | Secret]) -> list[str | Secret]:
    """Join neighbouring plain pieces."""
    out: list[str | Secret] = []
    for part in parts:
        if isinstance(part, str) and out and isinstance(out[-1], str):
            out[-1] += part
        elif part != "":
            out.append(part)
    return out
