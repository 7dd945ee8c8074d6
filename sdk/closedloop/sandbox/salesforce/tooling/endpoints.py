"""The Tooling API's REST resources.

Tooling API Reference, "REST Resources"; answers to queries as recorded in collections of Tooling API samples:
`size`, `queryLocator` and `entityTypeName` beside what other queries say, and the name of an object in the
address of its definition.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from closedloop.sandbox.salesforce.ids import long_id
from closedloop.sandbox.salesforce.metadata.catalogue import Catalogue
from closedloop.sandbox.salesforce.metadata.changes import Changer
from closedloop.sandbox.salesforce.metadata.component import Component, Sent
from closedloop.sandbox.salesforce.metadata.jsons import element_of, json_of
from closedloop.sandbox.salesforce.refusal import Refusal, not_found
from closedloop.sandbox.salesforce.rest.call import Answer, Call
from closedloop.sandbox.salesforce.schema import describe
from closedloop.sandbox.salesforce.schema.objects import Objects
from closedloop.sandbox.salesforce.schema.sobject import SObject
from closedloop.sandbox.salesforce.soql import query
from closedloop.sandbox.salesforce.soql.cursors import Cursors
from closedloop.sandbox.salesforce.tooling.objects import EDITABLE
from closedloop.sandbox.salesforce.tooling.view import View

_DEFINITIONS = frozenset({"EntityDefinition", "FieldDefinition"})
_NO_ID = "000000000000000AAA"
_PAGE = 2000


class Tooling:
    """The resources, over what the org has at the time."""

    def __init__(self, changer: Changer) -> None:
        self._changer = changer
        self._catalogue: Catalogue = changer.catalogue
        self._cursors = Cursors()
        self._made: tuple[object, View] | None = None

    def resources(self, call: Call) -> Answer:
        """GET tooling: the addresses below it."""
        base = f"/services/data/v{call.version}/tooling"
        return Answer(body={name: f"{base}/{name}" for name in ("executeAnonymous", "query", "sobjects")})

    def query(self, call: Call) -> Answer:
        """GET tooling/query?q=…"""
        text = call.argument("q")
        if not text or not text.strip():
            raise Refusal("MALFORMED_QUERY", "A query string has to be specified")
        view = self._view()
        found = query.run(view, text, version=call.version)  # type: ignore[arg-type]  # reads no more of it
        body = self._cursors.page(view, found, size=_PAGE, version=call.version)  # type: ignore[arg-type]
        return Answer(body=self._shown(body, call.version))

    def more(self, call: Call) -> Answer:
        """GET tooling/query/<locator>: a further page."""
        body = self._cursors.more(call.path["locator"], size=_PAGE, version=call.version)
        return Answer(body=self._shown(body, call.version))

    def every(self, call: Call) -> Answer:
        """GET tooling/sobjects: every object."""
        return Answer(body=_tooling(describe.describe_global(self._objects(), call.version), call.version))

    def table(self, call: Call) -> Answer:
        """GET: the object in short. POST: a new component of its Metadata."""
        kind = self._kind(call)
        if call.method == "GET":
            about = _tooling(describe.describe_briefly(kind, call.version), call.version)
            return Answer(body={"objectDescribe": about, "recentItems": []})
        body = call.body()
        sent = self._sent(kind, str(body.get("FullName") or ""), body)
        if self._catalogue.get(sent.kind, sent.full_name) is not None:
            raise Refusal(
                "DUPLICATE_DEVELOPER_NAME", f"There is already a {kind.name} named {sent.full_name}."
            )
        record_id = self._save(sent)
        result = {"id": record_id, "success": True, "errors": [], "warnings": [], "infos": []}
        return Answer(status=201, body=result)

    def described(self, call: Call) -> Answer:
        """One object with its fields."""
        kind = self._kind(call)
        body = describe.describe(kind, call.version, self._view().tables)
        return Answer(body=_tooling(body, call.version))

    def record(self, call: Call) -> Answer:
        """GET, PATCH or DELETE of a component by its id."""
        kind, component = self._kind(call), self._found(call)
        if call.method == "GET":
            return Answer(body=self._one(kind, component, call.version))
        if call.method == "DELETE":
            self._remove(kind, component)
        else:
            self._save(self._sent(kind, component.full_name, call.body()))
        return Answer(status=204)

    def execute(self, _: Call) -> Answer:
        """executeAnonymous: there is no Apex here, so that nothing compiles (shape: CumulusCI's tests)."""
        body = {
            "line": 1,
            "column": 1,
            "compiled": False,
            "success": False,
            "compileProblem": "The sandbox does not run Apex.",
            "exceptionStackTrace": None,
            "exceptionMessage": None,
        }
        return Answer(body=body)

    def _objects(self) -> Objects:
        return self._view().tables.objects

    def _view(self) -> View:
        """The rows of now; they are made anew only where something changed."""
        org = self._catalogue.org
        state = (org.objects.by_name, self._catalogue.changes, org.tables.writes("RecordType"))
        if self._made is None or self._made[0] != state:
            self._made = state, View(self._catalogue)
        return self._made[1]

    def _kind(self, call: Call) -> SObject:
        kind = self._objects().find(call.path["sobject"])
        if kind is None:
            raise not_found()
        return kind

    def _found(self, call: Call) -> Component:
        record_id = long_id(call.path["id"])
        kind = self._kind(call).name
        of = "Flow" if kind == "FlowDefinition" else kind
        for component in self._catalogue.all(of) if record_id and kind not in _DEFINITIONS else ():
            own = component.id
            if kind == "FlowDefinition":
                own = self._catalogue.id_of(kind, component.full_name)
            if own == record_id:
                return component
        raise not_found()

    def _one(self, kind: SObject, component: Component, version: str) -> dict[str, Any]:
        """The whole record, with its Metadata."""
        view = self._view()
        record_id = component.id
        if kind.name == "FlowDefinition":
            record_id = self._catalogue.id_of(kind.name, component.full_name)
        row = view.tables.get(kind.name, record_id)
        if row is None:
            raise not_found()
        names = ", ".join(kind.fields)
        text = f"SELECT {names} FROM {kind.name} WHERE Id = '{record_id}'"  # noqa: S608  names of its own
        found = query.run(view, text, version=version)  # type: ignore[arg-type]
        (whole,) = self._shown({"records": found.records, "done": True, "totalSize": 1}, version)["records"]
        if kind.name == "FlowDefinition":
            number = 1 if component.element.value("status") == "Active" else 0
            return {**whole, "Metadata": {"activeVersionNumber": number}}
        return {
            **whole,
            "FullName": component.full_name,
            "Metadata": json_of(component.element, component.kind),
        }

    def _sent(self, kind: SObject, full_name: str, body: Mapping[str, Any]) -> Sent:
        given = body.get("Metadata")
        if kind.name not in EDITABLE:
            message = f"entity type {kind.name} does not support this operation in the sandbox"
            raise Refusal("INVALID_TYPE_FOR_OPERATION", message)
        if not isinstance(given, dict) or not full_name:
            missing = "Metadata" if full_name else "FullName"
            raise Refusal(
                "REQUIRED_FIELD_MISSING", f"Required fields are missing: [{missing}]", fields=[missing]
            )
        return Sent(kind=kind.name, full_name=full_name, element=element_of(given, kind.name))

    def _save(self, sent: Sent) -> str:
        changes = self._changer.begin()
        problems = changes.save(sent)
        if problems:
            raise Refusal(problems[0].code, problems[0].message, fields=[])
        changes.make()
        return self._catalogue.id_of(sent.kind, sent.full_name)

    def _remove(self, kind: SObject, component: Component) -> None:
        if kind.name not in EDITABLE | {"Flow"}:
            raise Refusal("INVALID_TYPE_FOR_OPERATION", f"entity type {kind.name} does not support delete")
        changes = self._changer.begin()
        problems = changes.remove(kind.name, component.full_name)
        if problems:
            raise Refusal(problems[0].code, problems[0].message, fields=[])
        changes.make()

    def _shown(self, body: Mapping[str, Any], version: str) -> dict[str, Any]:
        records = [_record(one) for one in body["records"]]
        kind = records[0]["attributes"]["type"] if records and "attributes" in records[0] else None
        shown = {
            "size": len(records),
            "totalSize": body["totalSize"],
            "done": body["done"],
            "queryLocator": None,
            "entityTypeName": kind,
            "records": records,
        }
        if "nextRecordsUrl" in body:
            shown["nextRecordsUrl"] = body["nextRecordsUrl"]
        found: dict[str, Any] = _tooling(shown, version)
        return found


def _record(found: Mapping[str, Any]) -> dict[str, Any]:
    """A record in the Tooling API's forms: definitions have no ids, what a field refers to is a list."""
    kind = found.get("attributes", {}).get("type")
    shown: dict[str, Any] = {
        name: _record(value) if _is_record(value) else value for name, value in found.items()
    }
    for name, value in shown.items():
        if isinstance(value, Mapping) and "records" in value:
            shown[name] = {**value, "records": [_record(one) for one in value["records"]]}
    if kind in _DEFINITIONS and "Id" in shown:
        shown["Id"] = _NO_ID
    if kind == "FieldDefinition" and "ReferenceTo" in shown:
        targets = shown["ReferenceTo"]
        shown["ReferenceTo"] = {"referenceTo": targets.split("|") if targets else None}
    return shown


def _is_record(value: Any) -> bool:
    return isinstance(value, Mapping) and "attributes" in value


def _tooling(body: Any, version: str) -> Any:
    """The body with the addresses below `tooling`."""
    base = f"/services/data/v{version}/"
    if isinstance(body, str):
        return f"{base}tooling/{body.removeprefix(base)}" if body.startswith(base) else body
    if isinstance(body, Mapping):
        return {name: _tooling(value, version) for name, value in body.items()}
    return [_tooling(one, version) for one in body] if isinstance(body, list) else body
