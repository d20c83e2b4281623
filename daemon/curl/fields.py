"""The header fields and the address that a command repeats: without secrets, and which of them holds the key."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from daemon.curl.shell import pastes
from daemon.model import Call
from daemon.phrases import phrase
from daemon.redact import Sealed, Secret, scrub

_KEY_NAMES: Final = ("authorization", "x-api-key", "api-key", "x-goog-api-key")
_KEY_NAME_OF: Final = {"anthropic": "x-api-key", "azure": "api-key", "gemini": "x-goog-api-key"}
_NEVER_KEY: Final = re.compile(r"(?i)^(cookie|set-cookie|proxy-authorization|x-amz-.*)$")

_UNWRITABLE: Final = re.compile("[\0\r\n\ud800-\udc7f\udd00-\udfff]")
"""What no header line can hold: line ends, and surrogates that stand for no byte."""

_NO_LETTER: Final = re.compile("[^A-Za-z0-9]")


@dataclass(frozen=True, slots=True)
class Field:
    """One header field; with `keyed`, the key stands between `before` and `after`."""

    name: str
    before: str
    keyed: bool = False
    after: str = ""
    own: str | None = None
    """The environment variable with the whole value, where that was not kept; `before` and `after` are empty then."""

    @property
    def filled(self) -> bool:
        """A part of it, or all, comes from the environment."""
        return self.keyed or self.own is not None

    @property
    def hidden(self) -> bool:
        """Must not be an argument: what is secret would show in `ps`, a TAB would be eaten by the terminal."""
        return self.filled or not pastes(self.before)

    @property
    def argument(self) -> str:
        return f"{self.name}: {self.before}" if self.before else f"{self.name};"


def plain_target(call: Call, notes: list[str]) -> tuple[str, bool]:
    """The request target without secrets, and whether the key moves from its `?key=` into a header field."""
    if not call.target.secrets():
        return str(call.target), False
    # No target holds a NUL, so it can stand for a secret while the query is taken apart.
    marked = "".join([part if isinstance(part, str) else "\0" for part in call.target.parts])
    path, _, query = marked.partition("?")
    pairs = query.split("&")
    names = [pair.partition("=")[0] for pair in pairs if "\0" in pair]
    kept = "&".join([pair for pair in pairs if "\0" not in pair])
    moved = call.origin.provider == "gemini" and "key" in names
    if moved:
        notes.append(phrase("script.moved_key"))
    lost = [name for name in names if not (moved and name == "key")]
    if lost:
        notes.append(phrase("left.address", names=", ".join(lost)))
    return path.replace("\0", "SECRET") + ("?" + kept if kept else ""), moved


def plain_fields(call: Call, moved: bool, notes: list[str]) -> list[Field]:
    """The header fields, in order, without those that no command can repeat; NOTES gets a line about these."""
    signed = any(name.lower() == "x-amz-date" for name, _ in call.headers)
    bucket = None if signed else _key_bucket(call)
    fields: list[Field] = []
    lost = []
    for name, value in call.headers:
        field = _withheld(name, value, fields, notes) or _field(name, value, bucket)
        if field is None or _UNWRITABLE.search(name + field.before + field.after):
            lost.append(name)
        else:
            fields.append(_without_leaks(field, call, notes))
    if lost:
        notes.append(phrase("left.headers", names=", ".join(lost)))
    if signed:
        notes.append(phrase("script.aws"))
    if moved:
        fields.append(Field("x-goog-api-key", "", keyed=True))
    return fields


def _withheld(name: str, value: Sealed, before: list[Field], notes: list[str]) -> Field | None:
    """The field, if its value was not kept: it gets a variable that none of those BEFORE has."""
    if value.withheld is None:
        return None
    wanted = own = "HEADER_" + _NO_LETTER.sub("_", name).upper()
    taken, n = {field.own for field in before}, 1
    while own in taken:
        n += 1
        own = f"{wanted}_{n}"
    notes.append(phrase("script.withheld", header=name, length=value.withheld, variable=own))
    return Field(name, "", own=own)


def _key_bucket(call: Call) -> str | None:
    """Name of the secret that the variable stands for: the provider's key field, else the usual ones, else any."""
    by_name = {
        name.lower(): value.secrets()[0].name
        for name, value in reversed(call.headers)
        if value.secrets() and not _NEVER_KEY.match(name)
    }
    wanted = (_KEY_NAME_OF.get(call.origin.provider, "authorization"), *_KEY_NAMES, *by_name)
    return next((by_name[name] for name in wanted if name in by_name), None)


def _field(name: str, value: Sealed, bucket: str | None) -> Field | None:
    """The field with the key taken out; None if it holds another secret than the one named BUCKET."""
    secrets = value.secrets()
    if not secrets:
        return Field(name, str(value))
    if len(secrets) > 1 or secrets[0].name != bucket or _NEVER_KEY.match(name):
        return None
    at = next(i for i, part in enumerate(value.parts) if isinstance(part, Secret))
    return Field(name, "".join(map(str, value.parts[:at])), True, "".join(map(str, value.parts[at + 1 :])))


def _without_leaks(field: Field, call: Call, notes: list[str]) -> Field:
    """FIELD without a key in a value that its name does not call secret."""
    clean = scrub(field.before, call.secrets())
    if clean == field.before:
        return field
    notes.append(phrase("left.header_key", name=field.name))
    return Field(field.name, clean, field.keyed, field.after)
