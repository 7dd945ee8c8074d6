"""package.xml and its destructive twins: which components a package names.

Metadata API Developer Guide, "Deploying and Retrieving Metadata with the Zip File", "Deleting Components".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from closedloop.sandbox.salesforce.metadata import kinds, wsdl
from closedloop.sandbox.salesforce.metadata.wsdl import SPACE, Flaw
from closedloop.sandbox.salesforce.soap.markup import Element, MarkupError, read, tag, tags

NAME = "package.xml"
BEFORE = ("destructiveChangesPre.xml", "destructiveChanges.xml")
AFTER = ("destructiveChangesPost.xml",)
WILDCARD = "*"
_MISSING = "Required field is missing"
_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """The names of components by their kind, in the order of the file."""

    members: Mapping[str, Sequence[str]]
    version: str = ""

    def names(self, kind: str, full_name: str) -> bool:
        """Whether the component is named, by its name or by the wildcard."""
        members = self.members.get(kind, ())
        return full_name in members or WILDCARD in members

    def each(self) -> Iterator[tuple[str, str]]:
        """Every kind and name."""
        return ((kind, name) for kind, names in self.members.items() for name in names)


class FileError(ValueError):
    """A file cannot be read as what it should be."""

    def __init__(self, flaw: Flaw) -> None:
        super().__init__(flaw.message)
        self.flaw = flaw


def parsed(data: bytes, type_name: str) -> Element:
    """The root of a file that holds one element of the type. Raises FileError with the first flaw."""
    try:
        root = read(data)
    except MarkupError as error:
        flaw = Flaw(message=f"Error parsing file: {error}", line=error.line, column=error.column)
        raise FileError(flaw) from None
    flaws = list(wsdl.flaws(root, type_name)) if root.name == type_name else [_wrong_root(root, type_name)]
    # What is missing is said after what is wrong, and without the beginning "Error parsing file".
    wrong = next((flaw for flaw in flaws if not flaw.message.startswith(_MISSING)), None)
    if wrong is not None:
        raise FileError(replace(wrong, message=f"Error parsing file: {wrong.message}"))
    if flaws:
        raise FileError(flaws[0])
    return root


def manifest(data: bytes) -> Manifest:
    """The manifest in a file. Raises FileError."""
    return of_element(parsed(data, "Package"))


def of_element(root: Element) -> Manifest:
    """The manifest in an element, as `retrieve` gets it. Raises FileError for a kind that there is not."""
    members: dict[str, list[str]] = {}
    for types in root.all("types"):
        name = types.value("name") or ""
        if not wsdl.known(name):
            message = f"Unknown type name '{name}' specified in package.xml"
            raise FileError(Flaw(message=message, line=types.line, column=types.column))
        members.setdefault(name, []).extend(types.values("members"))
    return Manifest(members=members, version=root.value("version") or "")


def written(members: Mapping[str, Sequence[str]], version: str) -> bytes:
    """The package.xml that names the components."""
    types = [{"members": sorted(names), "name": kind} for kind, names in sorted(members.items())]
    inner = tags({"types": types, "version": version})
    return (_HEAD + tag("Package", inner, xmlns=SPACE)).encode()


def is_kept(path: str) -> bool:
    """Whether the file belongs to a component of a kind that there is here."""
    return path.partition("/")[0] in kinds.BY_DIRECTORY and not path.endswith("-meta.xml")


def _wrong_root(root: Element, type_name: str) -> Flaw:
    message = f"Element {{{root.space}}}{root.name} invalid at this location in type {type_name}"
    return Flaw(message=message, line=root.line, column=root.column)
