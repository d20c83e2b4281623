"""Our data: YAML, which people write and read, and its copy in JSON, which programs load in a tenth of the time.

`doc/compiled.py` makes the copies. Each carries a checksum of its YAML, so an old copy is never taken for a new one:
then the YAML itself is read, which is as right and only slower. Nothing heavy is imported here; each command comes by.
"""

from __future__ import annotations

import json
import os

from daemon import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Final

DATA: Final = os.path.join(os.path.dirname(os.path.abspath(__file__)), "data")
_PRIME: Final = 1073741789


def read(name: str, parse: Callable[[bytes], Any] | None = None) -> Any:
    """What the file `NAME.yaml` of our data holds, as plain JSON values; PARSE makes them, where it is not plain YAML.

    Raises OSError when there is no such file.
    """
    with open(source(name), "rb") as file:
        raw = file.read()
    try:
        with open(copy(name), "rb") as file:
            head, _, values = file.read().partition(b"\n")
    except OSError:
        head = values = b""
    return json.loads(values) if head == checksum(raw) else (parse or from_yaml)(raw)


def source(name: str) -> str:
    """Where people write it."""
    return os.path.join(DATA, f"{name}.yaml")


def copy(name: str) -> str:
    """Where its copy is."""
    return os.path.join(DATA, "compiled", f"{name.replace('/', '-')}.json")


def checksum(raw: bytes) -> bytes:
    """A copy's first line. A remainder, since it needs no module: loading one takes longer than the division."""
    return b"%d" % (int.from_bytes(b"1" + raw, "big") % _PRIME)


def from_yaml(raw: bytes) -> Any:
    """The values of a YAML text, by the quick safe loader where libyaml is there. Raises yaml.YAMLError."""
    import yaml  # here, since it takes longer to load than most commands run

    return yaml.load(raw, getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506  # both candidates are safe
