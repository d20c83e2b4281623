"""Answers that are no API errors."""

from __future__ import annotations

from typing import Any

import pytest

from daemon.sandbox.pages import PAGES


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("api", ["chat", "messages", "generate"])
async def test_pages_arrive_as_they_are(serve: Any, name: str, api: str):
    """Status, body and content type are the page's, whatever API was called; it is remembered by its name."""
    client = await serve()
    status, headers, body = await client.ask(api, name)
    page = PAGES[name]
    assert (status, body) == (page.status, page.body)
    assert headers.get("content-type") == page.content_type
    assert {value for key, value in page.headers} <= set(headers.values())
    assert client.sandbox.seen[-1].trouble == name
    assert client.sandbox.accepted == 0
