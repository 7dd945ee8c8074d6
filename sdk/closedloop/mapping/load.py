"""Loads the mapping files: the shipped ones, or those of an admin's folder over them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from closedloop.errors import MappingError
from closedloop.mapping.build import build_crm
from closedloop.mapping.crm import CrmMapping
from closedloop.mapping.document import Document, nearest, read_document
from closedloop.mapping.lifecycle import Lifecycle, build_lifecycle
from closedloop.mapping.overlay import laid_over, overlay_document
from closedloop.mapping.reasons import Reasons, build_reasons
from closedloop.schema.vocabulary import CrmName

FILES = (*(f"{crm}.yaml" for crm in CrmName), "reasons.yaml", "lifecycle.yaml")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mappings:
    """All mapping files, checked and compiled; `version` is their digest, kept with what they produced.

    `documents` are the CRMs' files as they were read, for `overlaid`. `files` is the text of all files by
    name, which `mappings_from` makes the same mappings of.
    """

    crms: Mapping[CrmName, CrmMapping]
    reasons: Reasons
    lifecycle: Lifecycle
    version: str
    documents: Mapping[CrmName, Document] = field(repr=False)
    files: Mapping[str, str] = field(repr=False)

    def crm(self, crm: CrmName | str) -> CrmMapping:
        """The mapping of one CRM."""
        return self.crms[_named(crm)]

    def overlaid(self, crm: CrmName | str, overlay: Mapping[str, Any] | Path | str) -> Mappings:
        """These mappings with changes to one CRM's: a mapping of the file's form, the path of a YAML file, or
        the text of one.

        It holds only what differs: `{"objects": {"lead": {"fields": {"reason": "Why_Not__c"}}}}`. A field
        is replaced as a whole, None takes one away. Several overlays may lie over one another. MappingError
        names the overlay's file and line, or its keys.
        """
        crm, upper = _named(crm), overlay_document(overlay)
        if not upper.data:
            return self
        document = laid_over(self.documents[crm], upper)
        return replace(
            self,
            crms={**self.crms, crm: CrmMapping(build_crm(document, crm), self.lifecycle, self.reasons)},
            documents={**self.documents, crm: document},
            # JSON is YAML too.
            files={**self.files, f"{crm}.yaml": _canonical(document).decode("utf-8", "surrogatepass")},
            version=_digest({"below": self.version.encode(), f"{crm} above": _canonical(upper)}),
        )


def _named(crm: CrmName | str) -> CrmName:
    try:
        return CrmName(crm)
    except ValueError:
        raise MappingError(f"no CRM is called {crm!r}: expected one of {', '.join(CrmName)}") from None


def load_mappings(directory: Path | None = None) -> Mappings:
    """The shipped mappings; `directory` may hold files of the same names, each instead of the shipped one.

    MappingError names the file and line of what is wrong.
    """
    return _shipped() if directory is None else _build({**_shipped_files(), **_own_files(Path(directory))})


def mappings_from(files: Mapping[str, str]) -> Mappings:
    """The mappings of files whose text is at hand, such as `files` of others; the shipped file stands in for
    each that is missing. MappingError names the file and line of what is wrong."""
    return _build({**_shipped_files(), **{name: text.encode() for name, text in files.items()}})


@cache
def _shipped() -> Mappings:
    return _build(_shipped_files())


@cache
def _shipped_files() -> Mapping[str, bytes]:
    folder = resources.files("closedloop_mappings")
    return {name: folder.joinpath(name).read_bytes() for name in FILES}


def _own_files(directory: Path) -> dict[str, bytes]:
    if not directory.is_dir():
        raise MappingError(f"there is no folder {directory}: give the folder that holds your mapping files")
    found = {path.name: path for path in sorted(directory.iterdir()) if path.suffix in {".yaml", ".yml"}}
    for name in found:
        if name not in FILES:
            raise MappingError(f"this file maps nothing{nearest(name, FILES)}", file=name, line=1)
    return {name: _read(path) for name, path in found.items()}


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as exc:
        raise MappingError(f"the file cannot be read: {exc.strerror}", file=path.name, line=1) from exc


def _build(files: Mapping[str, bytes]) -> Mappings:
    documents = {name: read_document(name, files[name]) for name in FILES}
    crms = {crm: documents[f"{crm}.yaml"] for crm in CrmName}
    lifecycle = build_lifecycle(documents["lifecycle.yaml"])
    reasons = build_reasons(documents["reasons.yaml"])
    return Mappings(
        crms={
            crm: CrmMapping(build_crm(document, crm), lifecycle, reasons) for crm, document in crms.items()
        },
        reasons=reasons,
        lifecycle=lifecycle,
        version=_digest({name: files[name] for name in FILES}),
        documents=crms,
        files={name: files[name].decode() for name in FILES},
    )


def _digest(files: Mapping[str, bytes]) -> str:
    digest = hashlib.sha256()
    for name, content in files.items():
        digest.update(f"{name} {len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()


def _canonical(document: Document) -> bytes:
    """The document's content, however it was laid out."""
    return json.dumps(document.data, sort_keys=True, separators=(",", ":")).encode("utf-8", "surrogatepass")
