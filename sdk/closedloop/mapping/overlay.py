"""Lays a document that holds only differences over a CRM's mapping file.

Sections and objects are merged key by key; a field, a custom field and whatever else is not a section is
replaced as a whole, and `null` takes it away. Of an object with several sources, such as activities, each
item names its `source`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Any

from closedloop.errors import MappingError
from closedloop.mapping.document import Document, Path, nearest, read_document

_DEEPEST = 30
_SECTIONS = ("crm", "feedback", "objects", "version")
_ELSEWHERE = (
    "An overlay changes what the CRM's own file says; rules for reasons and meanings of stages are changed "
    "in a folder with your own reasons.yaml or lifecycle.yaml, which `load_mappings(folder)` reads"
)
# The keys of these are replaced as a whole.
_FIELDS = frozenset({"fields", "custom"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Keyed(Document):
    """A document made in code: its faults name the keys that lead to them."""

    def error(self, path: Path, message: str) -> MappingError:
        """A MappingError that names the keys of `path` as far as the document has them."""
        return _bad(_known(self.data, path), message)


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlaid(Document):
    """A document with another one over it. The lower one was checked before, so that whatever is wrong now
    the upper one has brought in; `moved` says where in it the items of lists came from."""

    upper: Document
    moved: Mapping[Path, Path] = field(default_factory=dict)

    def line(self, path: Path) -> int:
        """The upper document's line of the value at `path`, or of the nearest value around it."""
        return self.upper.line(self._above(path))

    def error(self, path: Path, message: str) -> MappingError:
        """A MappingError that names the upper document and the place in it."""
        return self.upper.error(self._above(path), message)

    def _above(self, path: Path) -> Path:
        for end in range(len(path), 0, -1):
            if path[:end] in self.moved:
                return (*self.moved[path[:end]], *path[end:])
        return path


def overlay_document(overlay: object) -> Document:
    """The overlay as a document: a mapping, the path of a YAML file, or YAML text."""
    if isinstance(overlay, Mapping):
        data = _plain(overlay, ())
        return Keyed(file="", data=data, lines={})
    if not isinstance(overlay, str | FilePath):
        kind = type(overlay).__name__
        raise MappingError(f"the overlay is of type {kind}: give a mapping, YAML text, or the path of a file")
    text = str(overlay)
    path = FilePath("overlay" if _is_yaml(overlay) else text)
    try:
        return read_document(path.name, text.encode() if _is_yaml(overlay) else path.read_bytes())
    except (OSError, ValueError) as exc:
        said = exc.strerror if isinstance(exc, OSError) else "this is not a path"
        raise MappingError(f"the overlay cannot be read: {said}", file=path.name, line=1) from exc


def _is_yaml(overlay: object) -> bool:
    """Whether it is a document itself, which no path looks like."""
    return isinstance(overlay, str) and ("\n" in overlay or ": " in overlay)


def laid_over(lower: Document, upper: Document) -> Document:
    """`lower` with what `upper` changes; MappingError for what it takes away though it is not there."""
    for key in upper.data:
        if key not in _SECTIONS:
            raise upper.error((key,), f"`{key}`: unknown key{nearest(key, _SECTIONS)}. {_ELSEWHERE}")
    merge = _Merge(upper)
    data = merge.mappings(lower.data, upper.data, (), ())
    return Overlaid(file=lower.file, data=data, lines=lower.lines, upper=upper, moved=merge.moved)


def _known(data: Any, path: Path) -> Path:
    for end, step in enumerate(path):
        try:
            data = data[step]
        except (KeyError, IndexError, TypeError):
            return path[:end]
    return path


def _plain(value: Any, path: Path) -> Any:
    """The value as a file would hold it: texts, true, false and null in mappings and lists."""
    if len(path) > _DEEPEST:
        raise _bad(path[:3], "the values are nested too deeply")
    if isinstance(value, Mapping):
        keys = [_text(key, path) for key in value]
        return {key: _plain(item, (*path, key)) for key, item in zip(keys, value.values(), strict=True)}
    if isinstance(value, list | tuple):
        return [_plain(item, (*path, place)) for place, item in enumerate(value)]
    return value if value is None or isinstance(value, bool) else _text(value, path)


def _text(value: Any, path: Path) -> str:
    if type(value) is int and value.bit_length() < 64:  # such as `version: 1`
        return str(value)
    if not isinstance(value, str):
        raise _bad(
            path, f"a {type(value).__name__} has no place in a mapping: write text, True, False or None"
        )
    if "\0" in value or any("\ud800" <= letter <= "\udfff" for letter in value):
        raise _bad(path, "the text holds a character that no file can hold")
    return str(value)


def _bad(path: Path, message: str) -> MappingError:
    """The fault with the keys that lead to it, once."""
    said = ".".join(map(str, path))
    return MappingError(
        f"the overlay, at `{said}`: {message.removeprefix(f'`{said}`: ')}"
        if said
        else f"the overlay: {message}"
    )


@dataclass(slots=True)
class _Merge:
    """Merges, and notes where in the upper document the items of merged lists came from."""

    upper: Document
    moved: dict[Path, Path] = field(default_factory=dict)

    def mappings(
        self, lower: Mapping[str, Any], upper: Mapping[str, Any], at: Path, above: Path
    ) -> dict[str, Any]:
        """The lower mapping with the upper one's keys; `at` and `above` are where the two stand."""
        found = dict(lower)
        for key, value in upper.items():
            here = (*above, key)
            if value is None:
                self._take_away(found, key, here)
            elif len(at) == 1 and at[0] == "objects" and key in found:
                found[key] = self._object(found[key], value, (*at, key), here)
            elif isinstance(value, Mapping) and isinstance(found.get(key), Mapping) and not _is_whole(at):
                found[key] = self.mappings(found[key], value, (*at, key), here)
            else:
                found[key] = value
        return found

    def _take_away(self, found: dict[str, Any], key: str, above: Path) -> None:
        if key not in found:
            raise self.upper.error(above, f"`{key}` is not there to be taken away{nearest(key, found)}")
        del found[key]

    def _object(self, lower: Any, upper: Any, at: Path, above: Path) -> Any:
        """One object: its only source, or each of several by the name of its source."""
        if isinstance(lower, Mapping) and isinstance(upper, Mapping):
            return self.mappings(lower, upper, at, above)
        sources = list(lower) if isinstance(lower, list) else [lower]
        for place, item in enumerate(upper) if isinstance(upper, list) else [(None, upper)]:
            here = above if place is None else (*above, place)
            if not isinstance(item, Mapping):
                return upper  # the form says what is wrong with it
            index = self._index(sources, item, here)
            self.moved[*at, index] = here
            if index == len(sources) and "id" not in (item.get("fields") or {}):
                names = [source["source"] for source in sources]
                said = f"`{item['source']}` is not there yet{nearest(item['source'], names)}"
                raise self.upper.error(
                    (*here, "source"), f"{said}. A new source needs `fields`, `id` at least"
                )
            if index < len(sources):
                sources[index] = self.mappings(sources[index], item, (*at, index), here)
            else:
                sources.append(item)
        return sources

    def _index(self, sources: list[Any], item: Mapping[str, Any], above: Path) -> int:
        names = [source["source"] for source in sources]
        if "source" not in item:
            raise self.upper.error(above, f"say with `source` which one is meant: {', '.join(names)}")
        return names.index(item["source"]) if item["source"] in names else len(names)


def _is_whole(at: Path) -> bool:
    """Whether what stands under `at` is replaced as a whole: the fields of an object."""
    return len(at) > 1 and at[0] == "objects" and at[-1] in _FIELDS
