"""The sandbox as a process."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from pathlib import Path

import aiohttp
import pytest

from daemon.arguments import WrongValue
from daemon.sandbox import SandboxSettings
from daemon.sandbox.__main__ import main, number, parser, rates, seconds

CHECKOUT = Path(__file__).resolve().parents[2]


def test_flags():
    """Durations, numbers, none, choices, switches and rates."""
    line = "--minute 6s --requests-per-minute 20 --tokens-per-minute none --shape fixed --no-headers --refund"
    got = vars(parser().parse_args([*line.split(), "--faults", "503:0.05,500:0.03", "--header-quirk", "per_slice"]))
    settings = SandboxSettings(**{k: v for k, v in got.items() if k not in ("host", "port", "path")})
    assert (settings.minute_s, settings.requests_per_minute, settings.tokens_per_minute) == (6.0, 20, None)
    assert (settings.shape, settings.headers, settings.refund) == ("fixed", False, True)
    assert (settings.faults, settings.header_quirk) == ({503: 0.05, 500: 0.03}, "per_slice")


def test_every_setting_is_a_flag():
    """None is left out."""
    assert set(SandboxSettings.names()) <= {action.dest for action in parser()._actions}


def test_values():
    """What the flags read, and what they refuse."""
    assert (seconds("200ms"), seconds("1m"), seconds("7")) == (0.2, 60.0, 7.0)
    assert (number("none"), number("1.5"), rates("")) == (None, 1.5, {})
    with pytest.raises(WrongValue, match="no duration"):
        seconds("6 parsecs")


def test_an_impossible_setting_ends_with_a_message(capsys: pytest.CaptureFixture[str]):
    """Exit status 2 and a line."""
    assert main(["--slices", "0"]) == 2
    assert "slices" in capsys.readouterr().err


async def test_a_process_of_its_own():
    """It prints its URL, answers, and ends on SIGTERM with status 0."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "daemon.sandbox",
        "--port",
        "0",
        "--requests-per-minute",
        "1",
        cwd=CHECKOUT,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        url = (await asyncio.wait_for(process.stdout.readline(), 30)).decode().strip()
        assert url.startswith("http://127.0.0.1:")
        body = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
        async with aiohttp.ClientSession() as session:
            statuses = []
            for _ in range(2):
                async with session.post(url + "/v1/chat/completions", json=body) as response:
                    statuses.append(response.status)
        assert statuses == [200, 429]
        process.terminate()
        assert await asyncio.wait_for(process.wait(), 10) == 0
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
