"""Settings of the simulated provider."""

from __future__ import annotations

import json

import pytest

from daemon.sandbox.settings import SandboxSettings


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"shape": "round"}, "bucket, fixed, sliding, slices"),
        ({"header_quirk": "odd"}, "minus_one"),
        ({"minute_s": 0}, "minute_s"),
        ({"foreign_share": 1.0}, "foreign_share"),
        ({"faults": {503: 0.7}, "reset_rate": 0.5}, "more than 1"),
    ],
)
def test_impossible_settings_are_refused_with_their_name(wrong: dict[str, object], words: str):
    """The message names the setting and what it can be."""
    with pytest.raises(ValueError, match=words):
        SandboxSettings(**wrong)  # type: ignore[arg-type]


def test_settings_are_plain_json():
    """Another process can read them."""
    settings = SandboxSettings(faults={503: 0.1})
    assert json.loads(json.dumps(settings.as_json()))["faults"] == {"503": 0.1}
    assert set(settings.as_json()) == set(SandboxSettings.names())
