"""Reads config.yaml over data/defaults.yaml. Every mistake is named with file, line and what to do."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from dataclasses import fields, replace
from functools import cache
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final, Literal, TypeVar

from daemon import datafile
from daemon.config.nodes import Node, Wrong, node_from, plain, read_nodes
from daemon.config.settings import Config
from daemon.config.values import nearest
from daemon.errors import ConfigError
from daemon.owner import own_group
from daemon.phrases import Phrase, language_by, languages, lines, phrase, spoken
from daemon.redact import Redactor

T = TypeVar("T")
MAX_FILE: Final = 1 << 20
_LEVELS: Final[tuple[Literal["debug", "info", "warning", "error"], ...]] = ("debug", "info", "warning", "error")


def load(path: Path | None, *, environ: Mapping[str, str], must_exist: bool = False) -> Config:
    """The configuration in PATH over the defaults; the defaults alone when there is no such file.

    MUST_EXIST: the user named this file. ENVIRON gives the language and may override the log level. Raises ConfigError
    with all mistakes, one a line, each as `FILE:LINE: what. What to do`.
    """
    user = _read_file(path, must_exist) if path is not None else None
    mistakes: list[Wrong] = []
    config = _build(Config, _defaults(), user, "", mistakes)
    if config is not None and user is not None and config.listen is not None and _seen_by_others(config):
        mistakes.append(Wrong(user.key_lines["listen"], phrase("config.listen_seen")))
    if mistakes or config is None:
        ordered = sorted(mistakes, key=lambda wrong: wrong.line)[:20]
        raise ConfigError(lines(phrase("config.at", file=str(path), line=one.line, what=one.what) for one in ordered))
    return _with_environment(_with_places(config, str(path)), environ)


def _with_places(config: Config, file: str) -> Config:
    """What is looked at later knows where in FILE it stands."""
    upstreams = tuple(replace(one, where=f"{file}:{one.where}") for one in config.upstreams)
    fallback = tuple(
        replace(one, on_at=_in_file(file, one.on_at), to_at=_in_file(file, one.to_at)) for one in config.fallback
    )
    return replace(config, upstreams=upstreams, fallback=fallback)


def _in_file(file: str, lines: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f"{file}:{line}" for line in lines)


def _seen_by_others(config: Config) -> bool:
    return not config.listen_insecure and config.listen is not None and not ip_address(config.listen[0]).is_loopback


def _with_environment(config: Config, environ: Mapping[str, str]) -> Config:
    told = environ.get("SLUICE_LOG_LEVEL", "").lower()
    if told:
        level = next((known for known in _LEVELS if known == told), None)
        if level is None:
            raise ConfigError(phrase("config.log_level", value=told, known=", ".join(_LEVELS)))
        config = replace(config, log=replace(config.log, level=level))
    if asked := environ.get("SLUICE_LANGUAGE", "").lower():
        language = spoken(asked)
        if language is None:
            raise ConfigError(phrase("config.language", value=asked, known=", ".join(sorted(languages()))))
        return replace(config, language=language)
    return replace(config, language=language_by(environ)) if config.language == "auto" else config


def language_of(path: Path) -> str | None:
    """The language that the file in PATH wants, if it can be read and there are words for it."""
    try:
        user = _read_file(path, must_exist=False)
    except ConfigError:
        return None
    written = user.entries.get("language") if user is not None else None
    return spoken(written.text) if written is not None else None


@cache
def _defaults() -> Node:
    node = node_from(datafile.read("defaults", lambda raw: plain(read_nodes(raw.decode()))))
    if not node.entries:
        raise ConfigError(phrase("config.no_defaults"))
    return node


def _read_file(path: Path, must_exist: bool) -> Node | None:
    """The file's tree. Raises ConfigError."""
    try:
        raw = _read_bytes(path)
    except FileNotFoundError:
        if must_exist:
            raise _wrong(path, None, phrase("config.no_file")) from None
        return None
    except OSError as error:
        raise _wrong(path, None, phrase("config.unreadable", why=str(error.strerror))) from None
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise _wrong(path, line, phrase("config.not_utf8", byte=error.start + 1)) from None
    try:
        node = read_nodes(text)
        if node is not None and node.is_null:
            return None
        if node is not None and node.kind != "mapping":
            raise Wrong(node.line, phrase("config.form"))
    except Wrong as wrong:
        raise _wrong(path, wrong.line, wrong.what) from None
    return node


def _wrong(path: Path, line: int | None, what: Phrase) -> ConfigError:
    """LINE: None for what is wrong with the file itself."""
    if line is None:
        return ConfigError(phrase("config.at_file", file=str(path), what=what))
    return ConfigError(phrase("config.at", file=str(path), line=line, what=what))


def _read_bytes(path: Path) -> bytes:
    """Its bytes, after a look at what it is and who may touch it. The open file is asked: nobody can swap it."""
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        about = os.fstat(handle)
        if not stat.S_ISREG(about.st_mode):
            raise _wrong(path, None, phrase("config.not_regular"))
        if about.st_uid not in (os.geteuid(), 0):
            raise _wrong(path, None, phrase("config.anothers", uid=about.st_uid))
        if about.st_mode & (0o002 if own_group(about.st_gid) else 0o022):
            raise _wrong(path, None, phrase("config.writable", file=str(path)))
        raw = b""
        while len(raw) <= MAX_FILE and (piece := os.read(handle, MAX_FILE)):
            raw += piece
        if len(raw) > MAX_FILE:
            raise _wrong(path, None, phrase("config.huge"))
    finally:
        os.close(handle)
    if about.st_mode & 0o044:
        _no_secret(path, raw)
    return raw


def _no_secret(path: Path, raw: bytes) -> None:
    """Refuse a key in a file that others can read."""
    redactor = Redactor(b"")
    for line, part in enumerate(raw.decode("utf-8", "replace").splitlines(), 1):
        if redactor.scrub(part) != part or _has_password(part):
            raise _wrong(path, line, phrase("config.key", file=str(path)))


def _has_password(line: str) -> bool:
    _, mark, rest = line.partition("://")
    return bool(mark) and "@" in rest.split("/")[0] and ":" in rest.split("@")[0]


def _build(kind: type[T], default: Node, user: Node | None, prefix: str, mistakes: list[Wrong]) -> T | None:
    """A group of settings from the defaults and the user's file; mistakes are collected, not raised."""
    if user is not None and user.is_null:
        user = None
    if user is not None and user.kind != "mapping":
        mistakes.append(Wrong(user.line, phrase("config.group", name=prefix.rstrip("."), sort=user.sort)))
        user = None
    known = {_name(field): field for field in fields(kind)}  # type: ignore[arg-type]  # all groups are dataclasses
    given = user.entries if user is not None else {}
    for word in given:
        if word not in known and user is not None:
            mistakes.append(_unknown(word, user.key_lines[word], prefix, known))
    found: dict[str, Any] = {}
    for word, field in known.items():
        if "group" in field.metadata:
            found[field.name] = _build(
                field.metadata["group"], default.entries[word], given.get(word), f"{prefix}{word}.", mistakes
            )
            continue
        try:
            found[field.name] = field.metadata["read"](given.get(word, default.entries[word]))
        except Wrong as wrong:
            mistakes += wrong.all(prefix + word)
    return None if mistakes else kind(**found)


def _unknown(word: str, line: int, prefix: str, known: Mapping[str, Any]) -> Wrong:
    inside, _, name = word.rpartition(".")
    elsewhere = [group for group in _groups_with(name) if f"{group}." != prefix and inside in ("", group)]
    hint = phrase("config.elsewhere", group=elsewhere[0], word=name) if elsewhere else nearest(word, known)
    return Wrong(line, phrase("config.unknown", name=prefix + word, near=hint, known=", ".join(known)))


def _groups_with(word: str) -> list[str]:
    """The groups that have a setting of that name."""
    groups = {_name(field): field.metadata["group"] for field in fields(Config) if "group" in field.metadata}
    return [name for name, kind in groups.items() if word in {_name(field) for field in fields(kind)}]


def _name(field: Any) -> str:
    return str(field.metadata.get("name") or field.name)
