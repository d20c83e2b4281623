"""The pacer's settings."""

import dataclasses

import pytest

from daemon.pacing import PacingSettings


def test_settings_are_frozen_and_positive() -> None:
    """Defaults make sense, and nobody changes them behind the pacer's back."""
    settings = PacingSettings()
    assert all(value > 0 for value in dataclasses.asdict(settings).values())
    with pytest.raises(dataclasses.FrozenInstanceError):
        settings.tries = 9  # type: ignore[misc]
