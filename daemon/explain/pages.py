"""The page that the provider itself names, where a person has to go somewhere."""

from __future__ import annotations

import re
from typing import Final

from daemon.explain.origin import Sign
from daemon.model import Finding

PERSONAL: Final = frozenset(("quota", "access"))
"""Families in which a person has to go somewhere: the page that the provider itself names is one more thing to do."""

_PAGE: Final = re.compile(
    r"(?i)(?:https://)?(?P<host>(?:[a-z\d-]+\.)+[a-z]{2,})/[^\s\"'<>()\[\]{}\\|]*[^\s\"'<>()\[\]{}\\|.,;:!?]"
)
_NO_PAGE: Final = re.compile(
    r"(?i)^(?:https://)?(?:api[\w.-]*|type)\.|googleapis\.com/\w+$|/docs|/v\d+[a-z]*/"
    r"|/(?:completions|responses|messages|embeddings)$|/(?:sign-?up|log-?in|register|\w*checkout\w*)\b"
)
"""What is no page where a person can do something: documents, and addresses of an API."""


def own_page(finding: Finding, sign: Sign | None) -> str:
    """Return the page that the provider names, if a person has to go somewhere and it is on one of its own sites."""
    if finding.family not in PERSONAL or sign is None:
        return ""
    sites = {_site(name) for name in (*sign.hosts, *(url.split("/")[2] for url in sign.pages.values()))}
    for found in _PAGE.finditer(finding.original):
        if _site(found["host"].lower()) in sites and not _NO_PAGE.search(found[0]):
            return found[0] if found[0].lower().startswith("https://") else f"https://{found[0]}"
    return ""


def _site(host: str) -> str:
    return ".".join(host.split(".")[-2:])
