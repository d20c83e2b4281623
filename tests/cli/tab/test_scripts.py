"""`daemon completion bash`, as one runs it."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.mark.parametrize(("shell", "mark"), [("bash", "complete -o"), ("zsh", "#compdef"), ("fish", "complete -c")])
def test_the_scripts(shell: str, mark: str, run: Any) -> None:
    """Each is printed with the kinds of failure that there are; another shell is refused with those that there are."""
    done = run("completion", shell)
    assert done.code == 0
    assert mark in done.out
    assert "insufficient_quota" in done.out
    assert run("completion", "tcsh").code == 2
