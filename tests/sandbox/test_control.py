"""Operations for other processes."""

from __future__ import annotations

from typing import Any


async def test_seen_counts_and_reset(serve: Any):
    """What came can be read and forgotten."""
    client = await serve()
    await client.ask("chat", "gpt-4o")
    await client.ask("chat", "overloaded")
    base = client.url + "/_sandbox/"
    async with client.session.get(base + "seen") as response:
        seen = await response.json()
    assert [(row["model"], row["status"]) for row in seen] == [("gpt-4o", 200), ("overloaded", 503)]
    async with client.session.get(base + "counts") as response:
        assert await response.json() == {"status": {"200": 1, "503": 1}, "accepted": 1, "foreign": 0}
    async with client.session.post(base + "reset") as response:
        assert response.status == 200
    assert client.sandbox.seen == []


async def test_models_are_lines(serve: Any):
    """One line each, for people."""
    client = await serve()
    async with client.session.get(client.url + "/_sandbox/models") as response:
        lines = (await response.text()).splitlines()
    assert any(line.startswith("insufficient-quota ") for line in lines)


async def test_settings_can_be_changed(serve: Any):
    """As after a change of tier; limits begin afresh. Nonsense is refused with the names there are."""
    client = await serve(requests_per_minute=1)
    assert [(await client.ask("chat", "gpt-4o"))[0] for _ in range(2)] == [200, 429]
    settings = client.url + "/_sandbox/settings"
    async with client.session.post(settings, json={"requests_per_minute": 5, "faults": {"503": 0.0}}) as response:
        assert (await response.json())["requests_per_minute"] == 5
    assert (await client.ask("chat", "gpt-4o"))[0] == 200
    for wrong in ({"request_per_minute": 5}, {"shape": "round"}, [1]):
        async with client.session.post(settings, json=wrong) as response:
            assert response.status == 400
            assert "shape" in (await response.json())["settings"]


async def test_unknown_operations_are_named(serve: Any):
    """404 with the list."""
    client = await serve()
    async with client.session.get(client.url + "/_sandbox/what") as response:
        assert response.status == 404
        assert "GET seen" in (await response.json())["operations"]
