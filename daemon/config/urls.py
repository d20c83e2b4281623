"""Hosts, origins' URLs and the proxy's URL as people write them in the configuration."""

from __future__ import annotations

import ipaddress
import re
from typing import Final
from urllib.parse import urlsplit

from daemon.config.nodes import Node, Wrong
from daemon.config.values import text
from daemon.phrases import phrase

_HOST: Final = re.compile(
    r"[a-z0-9*]([a-z0-9._*-]{0,251}[a-z0-9*])?(:(\d{1,5}|\*))?|\[[0-9a-f:.]{2,45}\](:(\d{1,5}|\*))?"
)


def host(node: Node) -> str:
    """A host as in the Host header, in lower case; `*` stands for one label or a port."""
    value = text(node).lower()
    if "://" in value or "/" in value:
        raise Wrong(node.line, phrase("config.host_alone", value=value, name=_name_in(value)))
    if not _HOST.fullmatch(value):
        raise Wrong(node.line, phrase("config.host", value=value))
    return value.removesuffix(":443")


def _name_in(value: str) -> str:
    return re.sub(r"^[a-z+.-]*://", "", value).split("/")[0] or "api.openai.com"


def origin_url(node: Node) -> str:
    """`https://host[:port][/prefix]` without a slash at its end; {host} stands for the host that was asked for."""
    value = text(node)
    try:
        parts = urlsplit(value)
        port_is_bad = parts.port == 0
    except ValueError:
        parts, port_is_bad = urlsplit(""), True
    if parts.scheme not in ("http", "https") or not parts.hostname or port_is_bad:
        raise Wrong(node.line, phrase("config.url", value=_shown(value)))
    if parts.username is not None or parts.password is not None:
        raise Wrong(node.line, phrase("config.url_key"))
    if parts.query or parts.fragment or not value.isascii() or " " in value:
        raise Wrong(node.line, phrase("config.url_end", value=_shown(value)))
    return value.rstrip("/")


def proxy_url(node: Node) -> str:
    """`http://[user:password@]host:port`, or `environment`."""
    value = text(node)
    if value == "environment":
        return value
    try:
        parts = urlsplit(value)
        port_is_bad = parts.port == 0
    except ValueError:
        parts, port_is_bad = urlsplit(""), True
    if parts.scheme.startswith("socks"):
        raise Wrong(node.line, phrase("config.socks"))
    if parts.scheme not in ("http", "https") or not parts.hostname or port_is_bad:
        raise Wrong(node.line, phrase("config.proxy", value=_shown(value)))
    return value.rstrip("/")


def address(node: Node) -> tuple[str, int]:
    """`127.0.0.1:8377` or `[::1]:8377`: an IP address, not a name, and a port (0: a free one)."""
    value = text(node)
    name, _, port = value.rpartition(":")
    try:
        found = ipaddress.ip_address(name.removeprefix("[").removesuffix("]") if name.startswith("[") else name)
    except ValueError:
        found = None
    if found is None or (found.version == 6) != name.startswith("[") or not re.fullmatch(r"\d{1,5}", port):
        raise Wrong(node.line, phrase("config.address", value=value))
    if int(port) > 65535:
        raise Wrong(node.line, phrase("config.port", port=port))
    return str(found), int(port)


def is_loopback(url: str) -> bool:
    """Whether URL leads to this machine."""
    name = (urlsplit(url).hostname or "").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:  # a name, for example `127.example.com`: anybody may own that
        return False


def host_of(url: str) -> str:
    """The host and port of URL, as a Host header has them."""
    return urlsplit(url).netloc.lower().removesuffix(":443")


def _shown(value: str) -> str:
    """VALUE for a message, without a password."""
    return re.sub(r"//[^/@]*@", "//…@", value)[:200]
