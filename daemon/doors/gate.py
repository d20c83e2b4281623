"""Who may come in by TCP: the one way in that other users of the machine and web pages can reach.

Three checks before anything else of a request is looked at: no browser (whatever a page can make it send names the
page), one of our own names as Host (a page whose name is rebound to 127.0.0.1 sends its own), and the token.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
import stat
from collections.abc import Iterable
from pathlib import Path

from daemon.errors import ConfigError, InvalidCall, NotAllowed
from daemon.model import Headers
from daemon.phrases import phrase
from daemon.whole import whole_file

_BROWSERS_SEND = frozenset({"origin", "referer"})
_TOKEN = re.compile(rb"[!-~]{32,512}")
_BEARER = re.compile(r"(?i)bearer +(\S+) *$")


class Gate:
    """Knows the token by its digest, and the names under which we are called."""

    def __init__(self, token: bytes, port: int, names: Iterable[str] = ()) -> None:
        self._digest = hashlib.sha256(token).digest()
        own = ("127.0.0.1", "localhost", "[::1]", *names)
        self.names = frozenset(name if _has_port(name) else f"{name}:{port}" for name in own)

    def check(self, headers: Headers) -> None:
        """Let a request with these HEADERS pass. Raises NotAllowed, InvalidCall."""
        names = {name.lower() for name, _ in headers}
        if names & _BROWSERS_SEND or any(name.startswith("sec-fetch-") for name in names):
            raise NotAllowed(phrase("gate.browser"))
        hosts = [value.strip().lower() for name, value in headers if name.lower() == "host"]
        if len(hosts) != 1 or not hosts[0]:
            raise InvalidCall(phrase("http.host"))
        if hosts[0] not in self.names:
            raise NotAllowed(phrase("gate.host", known=", ".join(sorted(self.names))))
        if not self.knows(_token_in(headers)):
            raise NotAllowed(phrase("gate.token"))

    def knows(self, token: object) -> bool:
        """True for the token. Digests of equal length are compared, in constant time."""
        said = token.encode("utf-8", "surrogatepass") if isinstance(token, str) else b""
        return hmac.compare_digest(hashlib.sha256(said).digest(), self._digest)


def _has_port(name: str) -> bool:
    return bool(re.search(r":\d+$", name.rpartition("]")[2]))


def _token_in(headers: Headers) -> str:
    """The token of a request: in our own field, else in Proxy-Authorization, since Authorization is the provider's."""
    ours = [value.strip() for name, value in headers if name.lower() == "x-sluice-token"]
    bearers = [_BEARER.match(value) for name, value in headers if name.lower() == "proxy-authorization"]
    said = ours or [bearer[1] for bearer in bearers if bearer is not None]
    return said[0] if len(said) == 1 else ""


def token_in(file: Path) -> bytes:
    """The token in FILE, which is for us alone; made at the first start. Raises ConfigError."""
    try:
        fd = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        return _made(file)
    except OSError as error:
        raise ConfigError(phrase("gate.unreadable", file=str(file), why=str(error.strerror))) from None
    try:
        about = os.fstat(fd)
        if not stat.S_ISREG(about.st_mode) or about.st_uid != os.geteuid() or about.st_mode & 0o077:
            mode = f"{stat.S_IMODE(about.st_mode):04o}"
            raise ConfigError(phrase("gate.open", file=str(file), uid=about.st_uid, mode=mode))
        token = os.read(fd, 1024).strip()
    finally:
        os.close(fd)
    if not _TOKEN.fullmatch(token):
        raise ConfigError(phrase("gate.unfit", file=str(file)))
    return token


def _made(file: Path) -> bytes:
    """A new token, whole on disk before it has its name."""
    token = secrets.token_urlsafe(32).encode()
    try:
        with whole_file(file, file.with_name(file.name + ".new")) as out:
            out.write(token + b"\n")
    except OSError as error:
        raise ConfigError(phrase("gate.unmade", file=str(file), why=str(error.strerror))) from None
    return token
