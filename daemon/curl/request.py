"""One request as every form of it repeats it: no secret in it, the key's place marked, and notes for the person."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote as urlquote
from urllib.parse import urlsplit

from daemon.curl.fields import Field, plain_fields, plain_target
from daemon.curl.shell import as_comment
from daemon.model import BARE_METHODS, Call, Headers
from daemon.packed import coding_of, is_clean
from daemon.phrases import Phrase, phrase, told
from daemon.redact import scrub, scrub_bytes

ANY_VARIABLE: Final = "API_KEY"
"""The variable when nobody has said where the key is."""

LOST_BODY: Final = "request-body"
"""The file that a person has to write first when the body is not at hand."""

MOST_UNPACKED: Final = 64 << 20
"""Bytes beyond which a body that came compressed is not looked into: no larger request is taken, as a rule."""

_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Plain:
    """A request without its secrets."""

    call: Call
    base: str
    """Scheme, host and path prefix: `https://api.openai.com`; over plain http when it goes through the daemon."""
    target: str
    fields: list[Field]
    variable: str | None
    """The environment variable with the key; None when no field needs one."""
    body: bytes
    body_file: str | None
    """Where the body is kept; `request-body` when it is lost."""
    lost: bool = False
    """The body was not kept."""
    notes: list[str] = field(default_factory=list)
    """For the person who repeats it: phrases, and lines that were told already."""
    language: str = "en"
    """Of the notes."""
    proxy: str | None = None
    """The URL of the proxy through which the daemon sends it, as it was configured; None for a direct connection."""
    ca_file: str | None = None
    """The certificates that the daemon trusts; None for the system's."""

    @property
    def method(self) -> str:
        return self.call.method

    @property
    def host(self) -> str:
        """What the field Host says."""
        return urlsplit(self.base).netloc

    @property
    def path(self) -> str:
        """What stands in the request line."""
        return urlsplit(self.base).path + self.target

    @property
    def url(self) -> str:
        return self.base + self.target

    @property
    def has_body(self) -> bool:
        return bool(self.body) or self.method not in BARE_METHODS

    def comments(self, sign: str, *more: str) -> str:
        """The notes as comment lines that begin with SIGN, and MORE of them."""
        return "".join([f"{sign} {self.remark(note)}\n" for note in (*self.notes, *more)])

    def remark(self, note: str) -> str:
        """NOTE in the person's language, harmless as a comment of any program."""
        return as_comment(scrub(told(note, self.language), self.call.secrets()))

    def tell(self, name: str, **values: str) -> str:
        """A phrase in the person's language, for texts within a script."""
        return phrase(name, **values).told(self.language)

    def put_key(self) -> str:
        """What a script says that finds no key. There are no quotes in it."""
        return self.tell("script.put_key", variable=self.variable or ANY_VARIABLE)

    @property
    def changes(self) -> list[Phrase]:
        """The notes that tell of something which is not as it was sent."""
        return [note for note in self.notes if isinstance(note, Phrase) and note.name.startswith("left.")]

    @property
    def bare_proxy(self) -> str | None:
        """The proxy without a password that may stand in its URL; a note says so, once."""
        if not self.proxy:
            return None
        scheme, slashes, rest = self.proxy.rpartition("://")
        note = phrase("script.proxy_password")
        if "@" in rest and note not in self.notes:
            self.notes.append(note)
        return scheme + slashes + rest.rpartition("@")[2]

    def headers(self, key: str, value_of: Callable[[str], str | None] = lambda variable: None) -> Headers:
        """The fields with KEY in its place, to be sent. VALUE_OF knows variables; see `sendable`."""
        told = {one.own: value_of(one.own) or "" for one in self.owns if one.own}
        return tuple(
            (one.name, told[one.own] if one.own else one.before + (key if one.keyed else "") + one.after)
            for one in self.sendable(value_of)
        )

    @property
    def owns(self) -> list[Field]:
        """The fields whose values were not kept."""
        return [one for one in self.fields if one.own is not None]

    def sendable(self, value_of: Callable[[str], str | None]) -> list[Field]:
        """The fields without those whose value was not kept, and which VALUE_OF does not know by their variable."""
        return [one for one in self.fields if one.own is None or value_of(one.own)]

    def left_out(self, value_of: Callable[[str], str | None]) -> list[Phrase]:
        """What is to be said of the others."""
        lost = [one for one in self.owns if one.own and not value_of(one.own)]
        return [phrase("left.not_kept", header=one.name, variable=str(one.own)) for one in lost]

    def put_value(self, one: Field) -> str:
        """What a script says that finds no value of a field that was not kept. There are no quotes in it."""
        return self.tell("script.put_value", header=as_comment(one.name), variable=one.own or "")


def plain_request(
    call: Call,
    *,
    key_variable: str | None,
    body_file: str | None = None,
    body_kept: bool = True,
    direct: bool = True,
    comment: str | None = None,
    language: str = "en",
    proxy: str | None = None,
    ca_file: str | None = None,
) -> Plain:
    """Take CALL apart. KEY_VARIABLE, BODY_FILE, BODY_KEPT, PROXY and CA_FILE are those of `curl_command`; LANGUAGE is
    that of notes. What goes through the daemon (not DIRECT) leaves proxy and certificates to it."""
    notes = told(comment, language).splitlines() if comment else []
    target, moved = plain_target(call, notes)
    fields = plain_fields(call, moved, notes)
    variable = _variable(key_variable, notes) if any(one.keyed for one in fields) else None
    body = scrub_bytes(call.body, call.secrets())
    if body != call.body:
        notes.append(phrase("left.body_key"))
    coding = coding_of(call.headers)
    if coding and body_kept and call.body:
        body_kept = is_clean(call.body, coding, call.secrets(), MOST_UNPACKED)
    if not body_kept:
        notes.append(phrase("script.lost_body", file=LOST_BODY))
    if coding and not body_kept:
        notes.append(phrase("script.packed_body", coding=coding))
    return Plain(
        call=call,
        base=call.origin.url if direct else f"http://{call.origin.host}",
        target=_clean(target, call, notes),
        fields=fields,
        variable=variable,
        body=body,
        body_file=body_file if body_kept else LOST_BODY,
        lost=not body_kept,
        notes=notes,
        language=language,
        proxy=proxy if direct else None,
        ca_file=ca_file if direct else None,
    )


def _variable(wanted: str | None, notes: list[str]) -> str:
    """The variable's name, and a note for the person who has to fill it."""
    if wanted and _VARIABLE.fullmatch(wanted):
        notes.append(phrase("script.variable", variable=wanted))
        return wanted
    notes.append(phrase("script.any_variable", variable=ANY_VARIABLE))
    return ANY_VARIABLE


def _clean(target: str, call: Call, notes: list[str]) -> str:
    """TARGET without keys and without what no terminal shows."""
    clean = scrub(target, call.secrets())
    if not clean.isprintable():
        clean = "".join([c if c.isprintable() else urlquote(c, errors="surrogateescape") for c in clean])
    if clean != target:
        notes.append(phrase("left.address_key"))
    return clean
