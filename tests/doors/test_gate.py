"""Who may come in by TCP: the token in its file, our own names, no browser."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from daemon.doors.gate import Gate, token_in
from daemon.errors import ConfigError, InvalidCall, NotAllowed
from daemon.model import Headers

TOKEN = "CANARY-token-" + "t" * 32
GATE = Gate(TOKEN.encode(), 8377, ("host.docker.internal", "box:80"))
HOST = ("Host", "127.0.0.1:8377")
OURS = ("X-Sluice-Token", TOKEN)


@pytest.mark.parametrize(
    "host", ["127.0.0.1:8377", "LocalHost:8377", "[::1]:8377", "host.docker.internal:8377", "box:80"]
)
def test_our_own_names_with_the_token(host: str) -> None:
    """Each name of ours is let in with the token in either header, case aside; the provider's key is left alone."""
    GATE.check((("host", host), OURS, ("Authorization", "Bearer CANARY-provider")))
    GATE.check((("Host", host), ("proxy-authorization", f"bearer {TOKEN}")))


@pytest.mark.parametrize(
    "headers",
    [
        (HOST,),
        (HOST, ("X-Sluice-Token", TOKEN[:-1])),
        (HOST, ("X-Sluice-Token", "")),
        (HOST, OURS, OURS),
        (HOST, ("Authorization", f"Bearer {TOKEN}")),
        (HOST, ("Proxy-Authorization", f"Basic {TOKEN}")),
        (HOST, ("Proxy-Authorization", "Bearer \ud800")),
        (HOST, ("X-Sluice-Token", "wrong"), ("Proxy-Authorization", f"Bearer {TOKEN}")),
        (("Host", "evil.com"), OURS),
        (("Host", "api.openai.com"), OURS),
        (("Host", "127.0.0.1"), OURS),
        (("Host", "127.0.0.1:8378"), OURS),
        (("Host", "box:8377"), OURS),
        (HOST, OURS, ("Origin", "null")),
        (HOST, OURS, ("origin", "http://127.0.0.1:8377")),
        (HOST, OURS, ("REFERER", "")),
        (HOST, OURS, ("Sec-Fetch-Site", "none")),
    ],
)
def test_who_is_turned_away(headers: Headers) -> None:
    """No token, a wrong one, two, one in the provider's place; another Host; whatever only a browser sends."""
    with pytest.raises(NotAllowed) as caught:
        GATE.check(headers)
    assert TOKEN not in caught.value.message


@pytest.mark.parametrize("headers", [(OURS,), (HOST, HOST, OURS)])
def test_no_host_or_two(headers: Headers) -> None:
    """That is no valid request at all."""
    with pytest.raises(InvalidCall):
        GATE.check(headers)


def test_a_token_is_made_once_and_for_us_alone(tmp_path: Path) -> None:
    """256 random bits in a file of mode 0600; the next start finds the same, another folder gets another."""
    old = os.umask(0)
    try:
        token = token_in(tmp_path / "token")
    finally:
        os.umask(old)
    assert len(token) >= 43
    assert (tmp_path / "token").stat().st_mode & 0o777 == 0o600
    assert token_in(tmp_path / "token") == token
    assert token_in(tmp_path / "other") != token
    assert sorted(path.name for path in tmp_path.iterdir()) == ["other", "token"]


def _open_to_others(file: Path) -> None:
    token_in(file)
    file.chmod(0o644)


def _holding(text: str) -> Callable[[Path], object]:
    return lambda file: (file.write_text(text), file.chmod(0o600))


UNFIT: dict[str, tuple[Callable[[Path], object], str]] = {
    "readable for others": (_open_to_others, "mode 0644"),
    "a link": (lambda file: file.symlink_to("/etc/hostname"), "cannot be read"),
    "a folder": (lambda file: file.mkdir(mode=0o700), "for you alone"),
    "too short": (_holding("password\n"), "32 to 512"),
    "too long": (_holding("x" * 2000), "32 to 512"),
    "no place for it": (lambda file: file.parent.rmdir(), "cannot be made"),
}


@pytest.mark.parametrize("name", UNFIT)
def test_an_unfit_token_file_is_refused(tmp_path: Path, name: str) -> None:
    """What others may know, or could have put there, is not used and not overwritten; the message says what to do."""
    make, words = UNFIT[name]
    file = tmp_path / "state" / "token"
    file.parent.mkdir()
    make(file)
    with pytest.raises(ConfigError, match=words):
        token_in(file)
