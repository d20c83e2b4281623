"""YAML text as a small tree that remembers its lines. Strict: what a settings file does not need is an error.

The tree is built from the parser's events and not with `yaml.compose`, whose C code overruns the stack and kills the
process on deeply nested text (seen with libyaml 0.2.5 and half a million brackets).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeVar

from daemon.phrases import Phrase, phrase

T = TypeVar("T")
MAX_DEPTH: Final = 12
_NULLS: Final = frozenset({"", "~", "null", "Null", "NULL"})


class Wrong(Exception):
    """Something in the file is wrong: the line, what it is, and what to do; and what OTHERS are wrong beside it."""

    def __init__(self, line: int, what: Phrase, others: Sequence[Wrong] = ()) -> None:
        super().__init__(what)
        self.line = line
        self.what = what
        self._others = others

    def all(self, name: str | None = None) -> list[Wrong]:
        """Each mistake by itself; NAME is put before what is said."""
        mine = Wrong(self.line, self.what if name is None else phrase("config.of", name=name, what=self.what))
        return [mine, *[one for other in self._others for one in other.all(name)]]


def each(readers: Iterable[Callable[[], T]], name: str | None = None) -> list[T]:
    """What all READERS read. Raises Wrong with all that is wrong, and not the first alone: whoever writes a file wants
    to mend it once. NAME is put before each."""
    found: list[T] = []
    wrong: list[Wrong] = []
    for read in readers:
        try:
            found.append(read())
        except Wrong as one:
            wrong += one.all(name)
    if wrong:
        raise Wrong(wrong[0].line, wrong[0].what, wrong[1:])
    return found


@dataclass(slots=True)
class Node:
    """One value. Lines count from 1."""

    line: int
    kind: Literal["scalar", "list", "mapping"]
    text: str = ""
    """A scalar's text as it was written, without quotes."""
    quoted: bool = False
    items: list[Node] = field(default_factory=list)
    entries: dict[str, Node] = field(default_factory=dict)
    key_lines: dict[str, int] = field(default_factory=dict)

    @property
    def is_null(self) -> bool:
        """No value, or `null`."""
        return self.kind == "scalar" and not self.quoted and self.text in _NULLS

    @property
    def sort(self) -> str:
        """What it is, for messages."""
        if self.kind == "scalar":
            return repr(self.text)
        return phrase("config.a_list") if self.kind == "list" else phrase("config.a_group")


def read_nodes(text: str) -> Node | None:
    """Parse TEXT; None when it holds nothing but comments. Raises Wrong."""
    import yaml  # here: the command line finds its paths without it

    builder = _Builder()
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        for event in yaml.parse(text, Loader=loader):
            builder.take(type(event).__name__, event)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        problem = str(error.problem or error.context)
        raise Wrong(line, phrase("config.not_yaml", problem=problem, hint=_yaml_hint(text, line))) from None
    except (yaml.YAMLError, RecursionError) as error:
        problem = str(error).splitlines()[0]
        raise Wrong(1, phrase("config.not_yaml", problem=problem, hint=phrase("config.as_utf8"))) from None
    return builder.root


def _yaml_hint(text: str, line: int) -> Phrase:
    lines = text.splitlines()
    around = "".join(lines[max(0, line - 2) : line])
    return phrase("config.no_tabs") if "\t" in around else phrase("config.look_around")


def plain(node: Node | None) -> list[Any]:
    """NODE as JSON values, which `node_from` reads: line, kind, and a scalar's text and quotes or what is below."""
    if node is None:
        return [1, "mapping", {}]
    if node.kind == "scalar":
        return [node.line, node.kind, node.text, node.quoted]
    if node.kind == "list":
        return [node.line, node.kind, [plain(item) for item in node.items]]
    return [node.line, node.kind, {key: [node.key_lines[key], plain(one)] for key, one in node.entries.items()}]


def node_from(values: list[Any]) -> Node:
    """The node of which `plain` made VALUES."""
    line, kind, below, *quoted = values
    if kind == "scalar":
        return Node(line, kind, below, quoted=quoted[0])
    if kind == "list":
        return Node(line, kind, items=[node_from(item) for item in below])
    entries = {key: node_from(one) for key, (_, one) in below.items()}
    return Node(line, kind, entries=entries, key_lines={key: at for key, (at, _) in below.items()})


class _Builder:
    """Makes the tree from parser events."""

    def __init__(self) -> None:
        self.root: Node | None = None
        self._open: list[tuple[Node, str | None]] = []
        """Lists and mappings that are not closed; for a mapping the key that waits for its value."""
        self._documents = 0

    def take(self, name: str, event: Any) -> None:
        line = event.start_mark.line + 1
        if name == "DocumentStartEvent":
            self._documents += 1
            if self._documents > 1:
                raise Wrong(line, phrase("config.second_document"))
        elif name == "AliasEvent" or getattr(event, "anchor", None):
            raise Wrong(line, phrase("config.alias"))
        elif name == "ScalarEvent":
            self._scalar(event, line)
        elif name in ("MappingStartEvent", "SequenceStartEvent"):
            if len(self._open) >= MAX_DEPTH:
                raise Wrong(line, phrase("config.deep", most=MAX_DEPTH))
            self._no_tag(event, line)
            node = Node(line, "mapping" if name.startswith("Mapping") else "list")
            self._put(node)
            self._open.append((node, None))
        elif name in ("MappingEndEvent", "SequenceEndEvent"):
            self._open.pop()

    def _scalar(self, event: Any, line: int) -> None:
        self._no_tag(event, line)
        self._put(Node(line, "scalar", event.value, quoted=event.style not in (None, "")))

    def _no_tag(self, event: Any, line: int) -> None:
        if event.tag is not None:
            raise Wrong(line, phrase("config.tag", tag=str(event.tag)))

    def _put(self, node: Node) -> None:
        if not self._open:
            self.root = node
            return
        parent, key = self._open[-1]
        if parent.kind == "list":
            parent.items.append(node)
        elif key is None:
            self._key(parent, node)
        else:
            parent.entries[key] = node
            self._open[-1] = (parent, None)

    def _key(self, parent: Node, node: Node) -> None:
        if node.kind != "scalar":
            raise Wrong(node.line, phrase("config.name"))
        if node.text in parent.entries:
            first = parent.key_lines[node.text]
            raise Wrong(node.line, phrase("config.twice", name=node.text, line=first))
        parent.key_lines[node.text] = node.line
        self._open[-1] = (parent, node.text)
