"""Requests that break quoting: seeded ones for runs of a thousand, and a strategy that shrinks to the smallest."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from daemon.curl import curl_command, needs_file
from daemon.redact import SECRET_HEADER

HOSTILE = (
    *"\\'\"$`!@%;&|~#*? ()aZ0",
    *("%s", "\\n", "\\'", "'\\''", "$(touch MARK)", "`touch MARK`", ";touch MARK;", ">MARK", "[1-3]", "{a,b}"),
    *("é", "中", "🙂", "=ls", "^a^b", "--"),
)
TARGETS = (
    *("/v1/chat/completions", "/a[1-3]", "/{x,y}", "/v1/../b", "/./c", "//d", "/a;b", "/%2e%2e/x", "/?", "/a?b?c=d"),
    *("/v1/models?limit=3&after=a%20b", "/v1/m:generateContent?alt=sse", "/a?x=$(touch%20MARK)", "/a`b`", "/q?'\""),
    *("/back\\slash", "/é", "/a#b", "/a!b", "/~x"),
)


METHODS = ("POST",) * 6 + ("GET", "DELETE", "PUT", "PATCH", "OPTIONS", "HEAD", "Odd'$(touch)", ";touch;MARK;", "A;B")


def hostile(rng: random.Random, most: int) -> str:
    """A text from the alphabet that breaks quoting."""
    return "".join(rng.choices(HOSTILE, k=rng.randint(0, most))).strip()


def random_body(rng: random.Random) -> bytes:
    """Empty, inline, with line ends, binary, large, or a question in JSON with a line end after it."""
    kind = rng.randrange(10)
    if kind == 0:
        return b""
    if kind == 1:
        return rng.randbytes(rng.randint(1, 300))
    if kind == 2:
        return rng.choice([b"@/etc/passwd", b"@", b"@-", b"@body"])
    if kind == 3:
        return ("line\r\n\ttab\0" + hostile(rng, 20)).encode()
    if kind == 4 and rng.random() < 0.1:
        return rng.randbytes(5_000_000)
    if kind in (6, 7):
        asked = {"model": "gpt-4o", "messages": [{"role": "user", "content": hostile(rng, 20)}]}
        return (json.dumps(asked, ensure_ascii=rng.random() < 0.5) + rng.choice(["", "\n"])).encode()
    text = "\n".join(hostile(rng, 12) for _ in range(rng.randint(1, 4)))
    return (text + ("\n" if kind == 5 else "")).encode()


def random_request(rng: random.Random, key: str) -> tuple[str, str, tuple[tuple[str, str], ...], bytes]:
    """Method, target, headers and body."""
    fields = [(f"X-{rng.choice(['A', 'b', 'c-C', '$d', chr(39)])}", hostile(rng, 8)) for _ in range(rng.randint(0, 4))]
    if rng.random() < 0.2:
        fields.append(("X-Tab", "a\tb\\ %d '"))
    if rng.random() < 0.2:
        fields.append(("X-Raw", "caf\udce9"))
    if rng.random() < 0.7:
        fields.append(("Content-Type", "application/json"))
    if rng.random() < 0.5:
        fields.append(("Accept-Encoding", "deflate, gzip"))
    if rng.random() < 0.3:
        fields += [("User-Agent", "curl/1"), ("accept", "*/*")]
    if rng.random() < 0.7:
        fields.append(rng.choice([("Authorization", f"Bearer {key}"), ("x-api-key", key), ("API-KEY", key)]))
        if rng.random() < 0.2:
            fields.append(("X-Api-Key", key))
    rng.shuffle(fields)
    method = rng.choice(METHODS)
    return method, rng.choice(TARGETS), tuple(fields), b"" if method == "HEAD" else random_body(rng)


def generated(
    rng: random.Random, begin: int, count: int, url: str, make_call: Any, key: str, folder: Path
) -> tuple[list[Callable[[Any], bytes]], list[str]]:
    """COUNT requests to URL: what each has to send, by the fixture `expected`, and its command.

    Bodies that are not safe to paste are in files in FOLDER, whose names begin with `body`.
    """
    wanted: list[Callable[[Any], bytes]] = []
    lines = []
    for n in range(begin, begin + count):
        method, target, headers, body = asked = random_request(rng, key)
        call = make_call(method, target, headers, body, url=url, stream=rng.random() < 0.5)
        file = folder / f"body '{n - begin}"
        if needs_file(body):
            file.write_bytes(body)
        note = f"call {n} ain't $HOME (odd)"
        lines.append(curl_command(call, key_variable="THE_KEY", body_file=str(file), comment=note))
        wanted.append(lambda expected, asked=asked: expected(url, *asked))  # type: ignore[misc]
    assert key not in "".join(lines)
    return wanted, lines


KEY = "CANARY-\\n %s $HOME 'q' \"d\" `id` {{key}} %PATH%"
"""A key with everything that a shell, printf, curl's files or a template could trip over."""

_NAMES = st.from_regex(r"\AX-[A-Za-z0-9!#$%&'*+.^_`|~-]{0,6}\Z").filter(lambda name: not SECRET_HEADER.match(name))
_VALUES = (
    st.one_of(
        st.sampled_from(HOSTILE),
        st.text(st.characters(min_codepoint=32, exclude_categories=("Cs", "Cc")), max_size=12),
    )
    .map(str.strip)
    .filter(str.isprintable)
)
BODIES = st.one_of(
    st.binary(max_size=40),
    st.text(st.characters(exclude_categories=("Cs",)), max_size=40).map(str.encode),
    st.lists(st.sampled_from(HOSTILE), max_size=20).map(lambda parts: "".join(parts).encode()),
    st.sampled_from([b"@/etc/passwd", b"'@", b"'@\r\n'@", b'"""', b"{{key}}{{body}}", b"\\", b"\xff\0", b"x" * 9000]),
)
REQUESTS = st.tuples(
    st.sampled_from(["POST", "PUT", "GET", "DELETE"]),
    st.sampled_from(TARGETS),
    st.lists(st.tuples(_NAMES, _VALUES), max_size=4).map(lambda some: (*some, ("Authorization", f"Bearer {KEY}"))),
    BODIES,
)
"""Method, target, header fields, body; the last field holds the key."""
