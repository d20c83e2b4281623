"""The settings and their reference, data/defaults.yaml."""

from dataclasses import fields
from importlib.resources import files
from typing import Any

from daemon.config import Config
from daemon.config.nodes import Node, read_nodes
from daemon.config.upstreams import _READERS

TEXT = (files("daemon") / "data" / "defaults.yaml").read_text("utf-8")


def names(kind: type) -> dict[str, Any]:
    return {field.metadata.get("name") or field.name: field.metadata.get("group") for field in fields(kind)}


def test_every_setting_has_a_default_and_no_default_is_idle() -> None:
    """The file and the dataclasses name the same settings."""
    root = read_nodes(TEXT)
    assert root is not None

    def compare(kind: type, node: Node) -> None:
        assert set(names(kind)) == set(node.entries)
        for name, group in names(kind).items():
            if group is not None:
                compare(group, node.entries[name])

    compare(Config, root)


def test_every_setting_is_described() -> None:
    """Above each setting stands a comment, or above the group of lines that it belongs to."""
    described = False
    for line in TEXT.splitlines():
        text = line.strip()
        if text.startswith("#"):
            described = True
        elif not text:
            described = False
        elif not text.endswith(":"):
            assert described, line


def test_every_setting_of_an_upstream_is_described() -> None:
    """`upstreams` are empty by default, so its settings stand in the comment."""
    for name in _READERS:
        assert f"#   {name}:" in TEXT, name
