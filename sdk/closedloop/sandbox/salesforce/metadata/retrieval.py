"""Retrieving components as files, and listing them.

Metadata API Developer Guide: retrieve(), RetrieveResult, listMetadata(), FileProperties, describeMetadata().
"""

from __future__ import annotations

import base64
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from xml.sax.saxutils import escape

from closedloop.sandbox.salesforce.ids import long_id, new_id
from closedloop.sandbox.salesforce.metadata import kinds
from closedloop.sandbox.salesforce.metadata.archive import zipped
from closedloop.sandbox.salesforce.metadata.catalogue import Catalogue, replace_name
from closedloop.sandbox.salesforce.metadata.component import Component, in_order
from closedloop.sandbox.salesforce.metadata.manifest import NAME, WILDCARD, FileError, Manifest, of_element
from closedloop.sandbox.salesforce.metadata.manifest import written as manifest_written
from closedloop.sandbox.salesforce.metadata.wsdl import SPACE
from closedloop.sandbox.salesforce.refusal import Refusal
from closedloop.sandbox.salesforce.soap.markup import Element

_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
_KEPT = 100
_UNPACKAGED = "unpackaged"
_EPOCH = "1970-01-01T00:00:00.000Z"


@dataclass(slots=True, kw_only=True)
class _Retrieval:
    id: str
    files: dict[str, bytes] = field(default_factory=dict)
    properties: list[dict[str, object]] = field(default_factory=list)
    messages: list[dict[str, object]] = field(default_factory=list)


class Retrievals:
    """What was asked for; it is there at once."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._done: OrderedDict[str, _Retrieval] = OrderedDict()

    def start(self, request: Element) -> str:
        """Takes a request; its id."""
        found = _Retrieval(id=new_id("09S", self._catalogue.org.number()))
        prefix = "" if request.flag("singlePackage") else f"{_UNPACKAGED}/"
        for name in request.values("packageNames"):
            message = f"INVALID_CROSS_REFERENCE_KEY: No package named '{name}' found"
            found.messages.append({"fileName": NAME, "problem": message})
        unpackaged = request.find("unpackaged")
        if unpackaged is not None:
            self._collect(found, prefix, unpackaged, request.value("apiVersion") or "")
        self._done[found.id] = found
        if len(self._done) > _KEPT:
            self._done.popitem(last=False)
        return found.id

    def status(self, given: str, *, with_zip: bool) -> dict[str, object]:
        """The RetrieveResult."""
        found = self._done.get(long_id(given) or "")
        if found is None:
            raise Refusal("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
        result: dict[str, object] = {
            "done": True,
            "fileProperties": found.properties,
            "id": found.id,
            "messages": found.messages,
            "status": "Succeeded",
            "success": True,
        }
        if with_zip:
            result["zipFile"] = base64.b64encode(zipped(found.files)).decode()
        return result

    def _collect(self, found: _Retrieval, prefix: str, unpackaged: Element, version: str) -> None:
        path = prefix + NAME
        try:
            wanted = of_element(unpackaged)
        except FileError as error:
            found.messages.append({"fileName": path, "problem": error.flaw.message})
            return
        members: dict[str, list[str]] = {}
        components = list(self._wanted(found, wanted, path))
        whole = {(one.kind, one.full_name) for one in components}
        for component in components:
            members.setdefault(component.kind, []).append(component.full_name)
            file = kinds.file_of(component.kind, component.full_name)
            found.properties.append(properties(self._catalogue, component, prefix))
            if component.kind not in kinds.PARENTS:
                self._write(found, prefix + file, component)
            elif (kinds.PARENTS[component.kind][0].name, _owner(component.full_name)) not in whole:
                self._write_parts(found, prefix + file, component, wanted)
        found.files[path] = manifest_written(members, wanted.version or version)

    def _wanted(self, found: _Retrieval, wanted: Manifest, path: str) -> Iterator[Component]:
        for kind, name in wanted.each():
            if not kinds.exists(kind):
                continue
            names = self._all(kind) if name == WILDCARD else [name]
            for one in names:
                component = self._catalogue.get(kind, one)
                if component is not None:
                    yield component
                else:
                    problem = f"Entity of type '{kind}' named '{one}' cannot be found"
                    found.messages.append({"fileName": path, "problem": problem})

    def _all(self, kind: str) -> Sequence[str]:
        names = self._catalogue.names(kind)
        # The wildcard does not stand for standard objects.
        return [n for n in names if n.endswith("__c")] if kind == "CustomObject" else names

    def _write(self, found: _Retrieval, path: str, component: Component) -> None:
        if component.content is not None:
            found.files[path] = component.content
            path += "-meta.xml"
        found.files[path] = file_text(component.kind, component.element.children)

    def _write_parts(self, found: _Retrieval, path: str, component: Component, wanted: Manifest) -> None:
        """The file of an object or workflow of which only parts are wanted."""
        kind = kinds.PARENTS[component.kind][0]
        names = [name for of, name in wanted.each() if of in kind.children.values()]
        children = [
            replace_name(part.element, kinds.PARENTS[part.kind][1], part.full_name)
            for part in self._parts(list(kind.children.values()), names, _owner(component.full_name))
        ]
        found.files[path] = file_text(kind.name, children)

    def _parts(self, of: Sequence[str], names: Sequence[str], owner: str) -> Iterator[Component]:
        for kind in of:
            wanted = self._catalogue.names(kind) if WILDCARD in names else names
            for name in wanted:
                found = self._catalogue.get(kind, name) if _owner(name) == owner else None
                if found is not None:
                    yield found


def _owner(full_name: str) -> str:
    return full_name.partition(".")[0]


def properties(catalogue: Catalogue, component: Component, prefix: str = "") -> dict[str, object]:
    """The FileProperties of a component."""
    org = catalogue.org
    name = org.get("User", component.by)["Name"]
    standard = component.kind == "CustomObject" and not component.full_name.endswith("__c")
    about: dict[str, object] = {
        "createdById": component.by,
        "createdByName": name,
        "createdDate": _EPOCH if standard else component.created,
        "fileName": prefix + kinds.file_of(component.kind, component.full_name),
        "fullName": component.full_name,
        "id": "" if standard else component.id,
        "lastModifiedById": component.by,
        "lastModifiedByName": name,
        "lastModifiedDate": _EPOCH if standard else component.changed,
        "manageableState": "unmanaged",
        "type": component.kind,
    }
    return about


def file_text(kind: str, children: Sequence[Element]) -> bytes:
    """A component's file, as retrieve writes it."""
    root = in_order(Element(name=kind, children=list(children)), kind)
    inner = "".join(_indented(child, 1) for child in root.children)
    return f'{_HEAD}<{kind} xmlns="{SPACE}">\n{inner}</{kind}>\n'.encode()


def describe(kinds_there: Mapping[str, kinds.Kind]) -> dict[str, object]:
    """The DescribeMetadataResult."""
    return {
        "metadataObjects": [
            {
                "childXmlNames": list(kind.children.values()),
                "directoryName": kind.directory,
                "inFolder": False,
                "metaFile": kind.with_meta,
                "suffix": kind.suffix,
                "xmlName": kind.name,
            }
            for kind in kinds_there.values()
        ],
        "organizationNamespace": "",
        "partialSaveAllowed": True,
        "testRequired": False,
    }


def _indented(element: Element, depth: int) -> str:
    space = "    " * depth
    if not element.children:
        return f"{space}<{element.name}>{escape(element.text)}</{element.name}>\n"
    inner = "".join(_indented(child, depth + 1) for child in element.children)
    return f"{space}<{element.name}>\n{inner}{space}</{element.name}>\n"
