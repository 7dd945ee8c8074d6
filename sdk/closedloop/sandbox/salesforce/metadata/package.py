"""The components in the files of a package, and which of them its manifest names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath

from closedloop.sandbox.salesforce.metadata import kinds
from closedloop.sandbox.salesforce.metadata.component import Sent
from closedloop.sandbox.salesforce.metadata.kinds import Kind
from closedloop.sandbox.salesforce.metadata.manifest import FileError, Manifest, is_kept, parsed
from closedloop.sandbox.salesforce.metadata.outcome import Message
from closedloop.sandbox.salesforce.soap.markup import Element

NOT_FOUND = "was not found in zipped directory"
_META = "-meta.xml"


class Package:
    """One package's files. `messages` say what is wrong with them, once `components` were read."""

    def __init__(self, prefix: str, files: Mapping[str, bytes]) -> None:
        self._prefix = prefix
        self.files = files
        self.messages: list[Message] = []

    def path(self, name: str) -> str:
        """A file's path as messages give it."""
        return self._prefix + name

    def components(self, manifest: Manifest) -> list[Sent]:
        """What the manifest names, found in the files."""
        found = [sent for path in self.files if is_kept(path) for sent in self._in_file(path, manifest)]
        there = {(sent.kind, sent.full_name) for sent in found}
        broken = {message.file for message in self.messages}
        for kind, name in manifest.each():
            missing = name != "*" and (kind, name) not in there
            if missing and not (kinds.exists(kind) and self.path(kinds.file_of(kind, name)) in broken):
                self._miss(kind, name)
        return found

    def _in_file(self, path: str, manifest: Manifest) -> Iterator[Sent]:
        kind = kinds.BY_DIRECTORY[path.partition("/")[0]]
        name = PurePosixPath(path).relative_to(kind.directory).with_suffix("").as_posix()
        if not path.endswith(f".{kind.suffix}"):
            return
        try:
            root = self._root(path, kind)
        except FileError as error:
            flaw = error.flaw
            self._fail(kind.name, path, name, flaw.message, line=flaw.line, column=flaw.column)
            return
        content = self.files[path] if kind.with_meta else None
        whole = Sent(kind=kind.name, full_name=name, element=root, file=self.path(path), content=content)
        yield from self._named(whole, kind, manifest)

    def _named(self, whole: Sent, kind: Kind, manifest: Manifest) -> Iterator[Sent]:
        """The file's component and its parts, as far as they are named; one that is not is an error."""
        all_of_it = manifest.names(kind.name, whole.full_name)
        parts = list(_parts(whole, kind))
        if all_of_it:
            yield whole
        elif not parts:
            self._fail(
                kind.name, whole.file.removeprefix(self._prefix), whole.full_name, "Not in package.xml"
            )
        for part in parts:
            if all_of_it or manifest.names(part.kind, part.full_name):
                yield part
            else:
                path = whole.file.removeprefix(self._prefix)
                self._fail(part.kind, path, part.full_name, "Not in package.xml", at=part.element)

    def _root(self, path: str, kind: Kind) -> Element:
        if not kind.with_meta:
            return parsed(self.files[path], kind.name)
        meta = self.files.get(path + _META)
        return Element(name=kind.name) if meta is None else parsed(meta, kind.name)

    def _miss(self, kind: str, name: str) -> None:
        if not kinds.exists(kind):
            problem = f"The sandbox has no metadata of the type {kind}"
        else:
            problem = f"An object '{name}' of type {kind} was named in package.xml, but {NOT_FOUND}"
        self._fail("", "package.xml", name, problem)

    def _fail(
        self,
        kind: str,
        path: str,
        name: str,
        problem: str,
        *,
        line: int | None = None,
        column: int | None = None,
        at: Element | None = None,
    ) -> None:
        self.messages.append(
            Message(
                kind=kind,
                file=self.path(path),
                full_name=name,
                success=False,
                problem=problem,
                line=line if at is None else at.line,
                column=column if at is None else at.column,
            )
        )


def _parts(whole: Sent, kind: Kind) -> Iterator[Sent]:
    for child in whole.element.children:
        of = kind.children.get(child.name)
        if of is None:
            continue
        own = child.value("fullName") or ""
        name = own if kind.name == "CustomLabels" else f"{whole.full_name}.{own}"
        yield Sent(kind=of, full_name=name, element=child, file=whole.file)
