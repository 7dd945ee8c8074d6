"""Reads one YAML file into plain values that remember their lines.

The file is composed into nodes and never constructed into objects, so that nothing in it can run. Only
`true`, `false` and `null` are more than text: a key prefix such as `701`, a reason such as `No` and a
version such as `1` stay what the admin wrote.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import yaml

from closedloop.errors import MappingError

_LARGEST = 1_000_000
_DEEPEST = 30

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A YAML file's content; `lines` says on which line (from 1) the value at a path stands."""

    file: str
    data: Mapping[str, Any]
    lines: Mapping[Path, int]

    def line(self, path: Path) -> int:
        """The line of the value at `path`, or of the nearest value around it."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)

    def error(self, path: Path, message: str) -> MappingError:
        """A MappingError that names this file and the line of `path`."""
        return MappingError(message, file=self.file, line=self.line(path))


@lru_cache(maxsize=16)
def read_document(file: str, content: bytes) -> Document:
    """The document in `content`; MappingError when it is not one plain YAML mapping.

    The latest are kept: an admin's folder mostly overrides one file of four.
    """
    root = _compose(file, _text(file, content))
    if not isinstance(root, yaml.MappingNode):
        raise MappingError(
            "the file is empty or no mapping: it holds no sections such as `objects`", file=file, line=1
        )
    lines: dict[Path, int] = {}
    return Document(file=file, data=_Reader(file, lines).value(root, ()), lines=lines)


def nearest(word: object, allowed: Iterable[str]) -> str:
    """The end of a message about an unknown word: the likeliest meant one and all that are allowed."""
    words = sorted(allowed)
    close = difflib.get_close_matches(str(word), words, n=1, cutoff=0.5)
    hint = f"; did you mean `{close[0]}`?" if close else "."
    return f"{hint} Allowed: {', '.join(words)}"


def _text(file: str, content: bytes) -> str:
    if len(content) > _LARGEST:
        raise MappingError(f"the file is larger than {_LARGEST} bytes: is it a mapping?", file=file, line=1)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        line = content.count(b"\n", 0, exc.start) + 1
        raise MappingError("the file is not UTF-8: save it as UTF-8", file=file, line=line) from exc


def _compose(file: str, text: str) -> yaml.Node | None:
    try:
        return yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as exc:
        mark = exc.problem_mark or exc.context_mark
        raise MappingError(
            f"this is not YAML: {exc.problem or exc.context}", file=file, line=mark.line + 1 if mark else 1
        ) from exc
    except yaml.reader.ReaderError as exc:
        line = text.count("\n", 0, exc.position) + 1
        raise MappingError(
            "the file holds a character that YAML does not allow", file=file, line=line
        ) from exc
    except (yaml.YAMLError, RecursionError, ValueError) as exc:
        raise MappingError("this is not YAML that can be read", file=file, line=1) from exc


_WORDS: Mapping[str, bool | None] = {
    "true": True,
    "True": True,
    "false": False,
    "False": False,
    "null": None,
    "~": None,
    "": None,
}


@dataclass(frozen=True, slots=True)
class _Reader:
    """Turns nodes into values, and notes the line of each."""

    file: str
    lines: dict[Path, int]
    seen: set[int] = field(default_factory=set)

    def value(self, node: yaml.Node, path: Path) -> Any:
        """The plain value of `node`."""
        self._check(node, path)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(item, (*path, place)) for place, item in enumerate(node.value)]
        plain = isinstance(node, yaml.ScalarNode) and node.style is None
        return _WORDS.get(node.value, node.value) if plain else node.value

    def _check(self, node: yaml.Node, path: Path) -> None:
        line = node.start_mark.line + 1
        if not node.tag.startswith("tag:yaml.org,2002:") or "python" in node.tag:
            raise MappingError(
                f"the tag {node.tag} is not allowed: write the value plainly", file=self.file, line=line
            )
        if len(path) > _DEEPEST:
            raise MappingError("the values are nested too deeply", file=self.file, line=line)
        if id(node) in self.seen:
            raise MappingError("anchors and aliases (& and *) are not allowed", file=self.file, line=line)
        self.seen.add(id(node))
        self.lines.setdefault(path, line)

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in node.value:
            name, line = self._key(key), key.start_mark.line + 1
            if name in found:
                first = self.lines[(*path, name)]
                raise MappingError(
                    f"`{name}` stands here twice, first on line {first}: keep one", file=self.file, line=line
                )
            self.lines[(*path, name)] = line
            found[name] = self.value(value, (*path, name))
        return found

    def _key(self, node: yaml.Node) -> str:
        if isinstance(node, yaml.ScalarNode) and node.value != "<<":
            return str(node.value)
        raise MappingError(
            "a key must be plain text; merge keys (<<) and lists as keys are not allowed",
            file=self.file,
            line=node.start_mark.line + 1,
        )
