"""One deployment: an archive is checked against the org, and takes effect as a whole or in part.

Metadata API Developer Guide: deploy(), DeployOptions, DeployResult, "Deleting Components".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from closedloop.sandbox.salesforce.metadata import archive, kinds
from closedloop.sandbox.salesforce.metadata.catalogue import Catalogue
from closedloop.sandbox.salesforce.metadata.changes import Changer, Changes, in_turn
from closedloop.sandbox.salesforce.metadata.component import Problem, Sent, bare
from closedloop.sandbox.salesforce.metadata.flows import Flows
from closedloop.sandbox.salesforce.metadata.manifest import (
    AFTER,
    BEFORE,
    NAME,
    WILDCARD,
    FileError,
    Manifest,
    manifest,
)
from closedloop.sandbox.salesforce.metadata.options import Options
from closedloop.sandbox.salesforce.metadata.outcome import Message
from closedloop.sandbox.salesforce.metadata.package import NOT_FOUND, Package

_NEWEST = 68
_WITHOUT_IDS = frozenset({"CustomLabels", "Workflow"})


def deploy(changer: Changer, files: Mapping[str, bytes], options: Options) -> list[Message]:
    """Deploys the packages in an archive; what became of each component."""
    run = _Run(changer, options)
    for prefix, some in archive.packages(files, single=options.single):
        run.package(Package(prefix, some))
    failed = any(not message.success for message in run.messages)
    if not options.check_only and not (failed and options.rollback):
        run.changes.make()
    return [_with_id(message, changer.catalogue) for message in run.messages]


class _Run:
    def __init__(self, changer: Changer, options: Options) -> None:
        self._catalogue: Catalogue = changer.catalogue
        self._options = options
        self.changes: Changes = changer.begin()
        self.messages: list[Message] = []

    def package(self, package: Package) -> None:
        named = self._manifest(package, NAME)
        if named is None:
            return
        self._destroy(package, BEFORE)
        components = package.components(named)
        self.messages += [self._allowed(message) for message in package.messages]
        for sent in sorted(components, key=lambda one: in_turn(one.kind)):
            self.messages += self._saved(sent)
        self._destroy(package, AFTER)
        self._succeed(package, NAME)

    def _manifest(self, package: Package, name: str) -> Manifest | None:
        if name not in package.files:
            self._fail(package, name, f"No {name} found")
            return None
        try:
            found = manifest(package.files[name])
        except FileError as error:
            self._fail(package, name, error.flaw.message, line=error.flaw.line, column=error.flaw.column)
            return None
        if not _is_version(found.version):
            self._fail(package, name, "Invalid version specified")
            return None
        return found

    def _allowed(self, message: Message) -> Message:
        """A file that is missing does no harm where the options allow it."""
        missing = message.problem is not None and message.problem.endswith(NOT_FOUND)
        if not (missing and self._options.allow_missing):
            return message
        return Message(
            kind="", file=message.file, full_name=message.full_name, problem=message.problem, warning=True
        )

    def _saved(self, sent: Sent) -> Iterator[Message]:
        old = self._catalogue.get(sent.kind, sent.full_name)
        problems = self.changes.save(sent)
        yield from (_failure(sent, problem) for problem in problems)
        if not problems:
            same = old is not None and bare(sent.element, sent.kind).same(bare(old.element, sent.kind))
            yield Message(
                kind=sent.kind,
                file=sent.file,
                full_name=sent.full_name,
                created=old is None,
                changed=not same,
            )

    def _destroy(self, package: Package, names: Sequence[str]) -> None:
        for name in names:
            if name not in package.files:
                continue
            named = self._manifest(package, name)
            if named is None:
                continue
            for kind, full_name in sorted(named.each(), key=lambda one: -in_turn(one[0])):
                self.messages.append(self._removed(package.path(name), kind, full_name))
            self._succeed(package, name)

    def _removed(self, file: str, kind: str, full_name: str) -> Message:
        proper = Flows.proper(full_name) if kind == "Flow" else full_name
        if full_name == WILDCARD or not kinds.exists(kind) or not self.changes.outlook.has(kind, proper):
            problem = f"No {kind} named: {full_name} found"
            return Message(
                kind=kind,
                file=file,
                full_name=file.rpartition("/")[2],
                success=self._options.ignore_warnings,
                problem=problem,
                warning=True,
            )
        known = self._catalogue.get(kind, proper)
        problems = self.changes.remove(kind, full_name)
        if problems:
            return Message(
                kind=kind, file=file, full_name=full_name, success=False, problem=problems[0].message
            )
        record = None if known is None else known.id
        return Message(kind=kind, file=file, full_name=full_name, id=record, changed=True, deleted=True)

    def _succeed(self, package: Package, name: str) -> None:
        self.messages.append(
            Message(kind="", file=package.path(name), full_name=name, changed=True, of_manifest=True)
        )

    def _fail(
        self, package: Package, name: str, problem: str, *, line: int | None = None, column: int | None = None
    ) -> None:
        self.messages.append(
            Message(
                kind="",
                file=package.path(name),
                full_name=name,
                success=False,
                problem=problem,
                line=line,
                column=column,
                of_manifest=True,
            )
        )


def _with_id(message: Message, catalogue: Catalogue) -> Message:
    """The message with the id of what it is about, where that is there by now."""
    about = message.success and message.id is None and message.kind and message.kind not in _WITHOUT_IDS
    found = catalogue.get(message.kind, message.full_name) if about else None
    return message if found is None else replace(message, id=found.id)


def _failure(sent: Sent, problem: Problem) -> Message:
    at = problem.at or sent.element
    return Message(
        kind=sent.kind,
        file=sent.file,
        full_name=sent.full_name,
        success=False,
        problem=problem.message,
        line=at.line or None,
        column=at.column or None,
    )


def _is_version(text: str) -> bool:
    number, _, rest = text.partition(".")
    return not text or (
        number.isascii() and number.isdigit() and rest in ("", "0") and int(number) <= _NEWEST
    )
