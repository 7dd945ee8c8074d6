"""The calls that save, read and remove components one by one.

Metadata API Developer Guide: createMetadata, readMetadata, updateMetadata, upsertMetadata, deleteMetadata,
renameMetadata. Results as recorded (amp-labs/connectors, `metadata/…`; reference: corpus).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from closedloop.sandbox.salesforce.metadata import kinds, wsdl
from closedloop.sandbox.salesforce.metadata.changes import Changer, Changes, in_turn
from closedloop.sandbox.salesforce.metadata.component import Component, Problem, Sent, in_order
from closedloop.sandbox.salesforce.metadata.flows import Flows
from closedloop.sandbox.salesforce.metadata.renaming import rename
from closedloop.sandbox.salesforce.soap.markup import Element, Markup, made, tag, tags, written
from closedloop.sandbox.salesforce.soap.service import FaultError, Operation

_MOST = 10
_MOST_OF_MANY = 200
_MANY = frozenset({"CustomMetadata", "CustomApplication"})
_ROLLED_BACK = Problem(
    message=(
        "Record rolled back because not all records were valid and the request was using AllOrNone header"
    ),
    code="ALL_OR_NONE_OPERATION_ROLLED_BACK",
)


@dataclass(slots=True, kw_only=True)
class _Result:
    full_name: str
    problems: Sequence[Problem]
    created: bool | None = None

    def written(self) -> Markup:
        values: dict[str, object] = {} if self.created is None else {"created": self.created}
        errors = [{"message": p.message, "statusCode": p.code} for p in self.problems]
        if errors:
            values["errors"] = errors
        return tag("result", {**values, "fullName": self.full_name, "success": not errors})


class Crud:
    """The six calls."""

    def __init__(self, changer: Changer) -> None:
        self._changer = changer
        self._catalogue = changer.catalogue

    def create(self, operation: Operation) -> Markup:
        """createMetadata: what is there already is refused."""
        return self._save(operation, existing=False)

    def update(self, operation: Operation) -> Markup:
        """updateMetadata: what is not there is refused."""
        return self._save(operation, existing=True)

    def upsert(self, operation: Operation) -> Markup:
        """upsertMetadata: either; the results say which."""
        return self._save(operation, existing=None)

    def read(self, operation: Operation) -> Markup:
        """readMetadata: the components in the order asked for, nil for those that are not there."""
        kind = _kind(operation.element.value("type") or "")
        names = operation.element.values("fullNames")
        _check_number(kind, len(names))
        return tag("result", Markup("".join(self._record(kind, name) for name in names)))

    def delete(self, operation: Operation) -> Markup:
        """deleteMetadata."""
        kind = _kind(operation.element.value("type") or "")
        names = operation.element.values("fullNames")
        _check_number(kind, len(names))
        changes, results = self._changer.begin(), []
        for name in names:
            proper = Flows.proper(name) if kind == "Flow" else name
            there = changes.outlook.has(kind, proper)
            problems = changes.remove(kind, name) if there else [_missing(kind, name)]
            results.append(_Result(full_name=name, problems=problems))
        return self._finished(operation, changes, results)

    def rename(self, operation: Operation) -> Markup:
        """renameMetadata; the result has the old name (jsforce `test/metadata.test.ts`)."""
        kind = _kind(operation.element.value("type") or "")
        old, new = (operation.element.value(n) or "" for n in ("oldFullName", "newFullName"))
        problems = list(rename(self._catalogue, kind, old, new))
        return _Result(full_name=old, problems=problems).written()

    def _save(self, operation: Operation, *, existing: bool | None) -> Markup:
        sents = [_sent(element) for element in operation.element.all("metadata")]
        for kind in {sent.kind for sent in sents}:
            _check_number(kind, len(sents))
        changes = self._changer.begin()
        results = {}
        # What others refer to goes first, so that an object and its fields can come in any order.
        for place in sorted(range(len(sents)), key=lambda i: in_turn(sents[i].kind)):
            results[place] = self._saved(sents[place], changes, existing=existing)
        return self._finished(operation, changes, [results[place] for place in range(len(sents))])

    def _saved(self, sent: Sent, changes: Changes, *, existing: bool | None) -> _Result:
        there = changes.outlook.has(sent.kind, sent.full_name)
        if existing is False and there:
            problems: Sequence[Problem] = [_duplicate(sent)]
        elif existing is True and not there:
            problems = [_missing(sent.kind, sent.full_name)]
        else:
            problems = _save_with_parts(changes, sent)
        created = None if existing is not None else not there and not problems
        return _Result(full_name=sent.full_name, problems=problems, created=created)

    def _finished(self, operation: Operation, changes: Changes, results: list[_Result]) -> Markup:
        failed = any(result.problems for result in results)
        if failed and operation.all_or_none:
            for result in results:
                result.problems = result.problems or [_ROLLED_BACK]
                result.created = None if result.created is None else False
        else:
            changes.make()
        return Markup("".join(result.written() for result in results))

    def _record(self, kind: str, name: str) -> Markup:
        found = self._catalogue.get(kind, name)
        if found is None:
            return tag("records", None)
        return written(shown(found), "records", xsi_type=kind)


def shown(found: Component) -> Element:
    """A component as it is read: its full name first, the rest in the WSDL's order."""
    children = [made("fullName", found.full_name), *found.element.children]
    return in_order(Element(name=found.kind, children=children), found.kind)


def _save_with_parts(changes: Changes, sent: Sent) -> list[Problem]:
    problems = changes.save(sent)
    parts = kinds.KINDS[sent.kind].children if sent.kind in kinds.KINDS else {}
    for child in sent.element.children if not problems else ():
        if child.name in parts:
            name = f"{sent.full_name}.{child.value('fullName') or ''}"
            problems += changes.save(Sent(kind=parts[child.name], full_name=name, element=child))
    return problems


def _sent(element: Element) -> Sent:
    kind = _kind(element.type)
    flaw = next(wsdl.flaws(element, kind), None)
    if flaw is not None:
        raise FaultError("Client", f"{flaw.message} ({flaw.line}:{flaw.column})", prefix="soapenv")
    return Sent(kind=kind, full_name=element.value("fullName") or "", element=element)


def _kind(name: str) -> str:
    if not kinds.exists(name):
        raise FaultError("INVALID_TYPE", "This type of metadata is not available for this organization")
    return name


def _check_number(kind: str, number: int) -> None:
    most = _MOST_OF_MANY if kind in _MANY else _MOST
    if number > most:
        message = f"record limit reached. cannot submit more than {most} records in this operation"
        raise FaultError("LIMIT_EXCEEDED", message)


def _missing(kind: str, name: str) -> Problem:
    if kind == "CustomField":  # recorded
        return Problem(message="This custom field does not exist or is not accessible")
    return Problem(message=f"no {kind} named {name} found")


def _duplicate(sent: Sent) -> Problem:
    if sent.kind == "CustomField":
        message = f"There is already a field named {sent.short.removesuffix('__c')} on {sent.owner}."
    else:
        message = f"There is already a {sent.kind} named {sent.full_name}."
    return Problem(message=message, code="DUPLICATE_DEVELOPER_NAME")


def fields_of(kind: str) -> Iterator[Markup]:
    """describeValueType: what a type holds, and two levels of what these hold."""
    return (_value_field(part, depth=2) for part in wsdl.parts_of(kind).values())


def _value_field(part: wsdl.Part, *, depth: int) -> Markup:
    inner = wsdl.parts_of(part.type).values() if depth else ()
    fields = Markup("".join(_value_field(one, depth=depth - 1) for one in inner))
    choices = [
        {"active": True, "defaultValue": False, "label": "", "value": word}
        for word in sorted(wsdl.words_of(part.type))
    ]
    rest = {
        "isForeignKey": False,
        "isNameField": part.name == "fullName",
        "minOccurs": int(part.required),
        "name": part.name,
        "picklistValues": choices,
        "soapType": part.type,
        "valueRequired": part.required,
    }
    return tag("fields" if depth < 2 else "valueTypeFields", Markup(fields + tags(rest)))
