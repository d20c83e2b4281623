"""The right of one attempt to go."""

from typing import Any

from world import call, origin

from daemon.pacing.permit import Permit


class Desk:
    def __init__(self) -> None:
        self.heard: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return lambda *args, **more: self.heard.append(name)


def test_a_permit_gives_itself_back_once() -> None:
    """`release` in a `finally` and another one by the body's end: one slot comes back; costs are settled once."""
    desk = Desk()
    permit = Permit(call("x", origin()), 1, 0.0, desk)
    permit.settle(None)
    permit.settle(None)
    permit.release()
    permit.release()
    assert desk.heard == ["settle", "release"]
