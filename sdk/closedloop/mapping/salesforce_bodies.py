"""Finds the records in Salesforce's answers, change events, outbound messages and bulk results."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from lxml import etree

from closedloop.mapping.convert import FaultError
from closedloop.mapping.decode import Csv, Xml
from closedloop.mapping.findings import DEEPEST, Findings
from closedloop.mapping.ids import PREFIXES, salesforce_id
from closedloop.schema.vocabulary import ObjectType

_XSI_TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"
_XSI_NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"
_SOAP_FAULT = "{http://schemas.xmlsoap.org/soap/envelope/}Fault"

# A row of a subquery names its parent by standing in it, so the field that points there is left out.
_PARENT_FIELDS: Mapping[tuple[str, str], str] = {
    ("Opportunity", "OpportunityContactRole"): "OpportunityId",
    ("Contact", "OpportunityContactRole"): "ContactId",
    ("Campaign", "CampaignMember"): "CampaignId",
    ("Lead", "CampaignMember"): "LeadId",
    ("Contact", "CampaignMember"): "ContactId",
}
# Change events and REST hold compound fields as objects; the mapping reads their parts.
_COMPOUNDS: Mapping[str, str] = {
    "Name": "",
    "Address": "",
    "BillingAddress": "Billing",
    "MailingAddress": "Mailing",
    "OtherAddress": "Other",
    "ShippingAddress": "Shipping",
}
_BY_PREFIX = {prefix: source for source, prefix in PREFIXES.items()}


def walk_salesforce(body: Any, findings: Findings) -> None:
    """Adds every record in a decoded body to the findings."""
    if isinstance(body, Xml):
        _walk_xml(body.root, findings)
    elif isinstance(body, Csv):
        _walk_csv(body, findings)
    else:
        _Walk(findings).node(body, None, 0)


class _Walk:
    """Walks JSON; every dict in it is a row, an event, a result, an error or a wrapper around others."""

    def __init__(self, findings: Findings) -> None:
        self.findings = findings

    def node(self, node: Any, parent: Mapping[str, Any] | None, depth: int) -> None:
        """Adds what `node` holds; `parent` is the row that it stands in."""
        if depth > DEEPEST:
            self.findings.refuse("too_deep", "the body is nested too deeply to be an answer of the API")
        elif isinstance(node, list | tuple):
            for item in node:
                self.node(item, parent, depth + 1)
        elif isinstance(node, Mapping):
            self._mapping(node, parent, depth)

    def _mapping(self, node: Mapping[str, Any], parent: Mapping[str, Any] | None, depth: int) -> None:
        source = _source(node)
        if isinstance(node.get("ChangeEventHeader"), Mapping):
            self._event(node, node["ChangeEventHeader"])
        elif "allOrNone" in node:
            self._request(node.get("records"))
        elif source is not None:
            self._row(node, source, parent, depth)
        elif not self._verdict(node):
            self._inside(node, parent, depth)

    def _inside(self, node: Mapping[str, Any], parent: Mapping[str, Any] | None, depth: int) -> None:
        for key, value in node.items():
            if key != "attributes":
                self.node(value, parent, depth + 1)

    def _row(
        self, node: Mapping[str, Any], source: str, parent: Mapping[str, Any] | None, depth: int
    ) -> None:
        object_type = self.findings.mapping.object_of(source)
        if object_type is None:
            self.findings.refuse("not_our_object", f"{_safe(source)} is not an object that the mapping knows")
        else:
            self.findings.take(object_type, _whole(node, source, parent), id=_own_id(node), raw=node)
        # Subqueries and parents that the query walked to are rows of their own.
        self._inside(node, node, depth)

    def _request(self, rows: Any) -> None:
        """Refuses the rows of a write: they hold what shall change, not what is."""
        for row in rows if isinstance(rows, list) else []:
            source = _source(row) if isinstance(row, Mapping) else None
            object_type = self.findings.mapping.object_of(source) if source else None
            if isinstance(row, Mapping) and row.get("Id"):
                self.findings.refuse("partial_record", "a request to change a record", object=object_type)
            else:
                self.findings.refuse("missing_id", "a request to create a record", object=object_type)

    def _verdict(self, node: Mapping[str, Any]) -> bool:
        """Whether the node is an answer about a call instead of data; if so, it is refused as what it is."""
        if _is_error(node):
            self.findings.refuse("error_answer", "Salesforce answered with an error")
        elif "success" in node and ("id" in node or "errors" in node):
            self.findings.refuse("write_result", "the result of a write names a record, but does not hold it")
        elif _is_describe(node):
            self.findings.refuse("not_our_object", "a description of an object, not a record of one")
        elif node.get("records") == [] and "done" in node:
            self.findings.refuse("no_records", "the query found no rows")
        elif _is_id_list(node):
            self.findings.refuse("partial_record", "a list of ids that changed: read the records themselves")
        else:
            return False
        return True

    def _event(self, node: Mapping[str, Any], header: Mapping[str, Any]) -> None:
        source = header.get("entityName")
        object_type = self.findings.mapping.object_of(source) if isinstance(source, str) else None
        if object_type is None or not isinstance(source, str):
            self.findings.refuse(
                "not_our_object", "a change event of an object that the mapping does not know"
            )
            return
        ids = header.get("recordIds")
        for record_id in ids if isinstance(ids, list) else [None]:
            self._event_of(record_id, source, object_type, node, header.get("changeType"))

    def _event_of(
        self, record_id: Any, source: str, object_type: ObjectType, node: Mapping[str, Any], change: Any
    ) -> None:
        if change != "CREATE":
            self.findings.refuse(
                "partial_record",
                "only a CREATE event carries the whole record: read it again",
                object=object_type,
                id=record_id if isinstance(record_id, str) else None,
            )
            return
        fields = {key: value for key, value in node.items() if key != "ChangeEventHeader"}
        self.findings.take(object_type, _whole({**fields, "Id": record_id}, source, None), raw=node)


def _source(node: Mapping[str, Any]) -> str | None:
    """The sObject that a row is of: as it says, else as its id's key prefix tells."""
    attributes = node.get("attributes")
    if isinstance(attributes, Mapping):
        said = attributes.get("type")
        return said if isinstance(said, str) else None
    own = _own_id(node)
    return _BY_PREFIX.get(own[:3]) if own and len(node) > 1 else None


def _own_id(node: Mapping[str, Any]) -> str | None:
    value = node.get("Id")
    try:
        return salesforce_id(value) if isinstance(value, str) else None
    except FaultError:
        return None


def _whole(node: Mapping[str, Any], source: str, parent: Mapping[str, Any] | None) -> dict[str, Any]:
    """The row with its compound fields taken apart and the id of the row that it stands in."""
    row = dict(node)
    for compound, prefix in _COMPOUNDS.items():
        parts = row.get(compound)
        if isinstance(parts, Mapping):
            for part, value in parts.items():
                row.setdefault(prefix + str(part)[:1].upper() + str(part)[1:], value)
    if isinstance(row.get("Name"), Mapping):
        names = (row["Name"].get("FirstName"), row["Name"].get("LastName"))
        row["Name"] = " ".join(name for name in names if isinstance(name, str)) or None
    if parent is not None:
        field = _PARENT_FIELDS.get((_source(parent) or "", source))
        if field and row.get(field) is None:
            row[field] = _own_id(parent) or _url_id(parent)
    return row


def _url_id(node: Mapping[str, Any]) -> str | None:
    attributes = node.get("attributes")
    url = attributes.get("url") if isinstance(attributes, Mapping) else None
    return url.rpartition("/")[2] if isinstance(url, str) else None


def _is_error(node: Mapping[str, Any]) -> bool:
    return (
        isinstance(node.get("errorCode"), str)
        or isinstance(node.get("exceptionCode"), str)
        or (isinstance(node.get("error"), str) and "error_description" in node)
        or node.get("success") is False
    )


def _is_describe(node: Mapping[str, Any]) -> bool:
    return "keyPrefix" in node or (isinstance(node.get("fields"), list) and "name" in node)


def _is_id_list(node: Mapping[str, Any]) -> bool:
    return "latestDateCovered" in node


def _safe(name: str) -> str:
    """The name of an sObject, if it looks like one; anything else is not repeated."""
    return name if name.isascii() and name.replace("_", "").isalnum() and len(name) < 80 else "this"


# XML -------------------------------------------------------------------------------------------


def _walk_xml(root: etree._Element, findings: Findings) -> None:
    """Adds the sObjects of an outbound message or a SOAP answer: elements that say their type."""
    if root.find(f".//{_SOAP_FAULT}") is not None:
        findings.refuse("error_answer", "Salesforce answered with a SOAP fault")
        return
    for element in root.iter(etree.Element):
        said = element.get(_XSI_TYPE)
        if said is not None and element.tag.rpartition("}")[2] in {"sObject", "records"}:
            _take_element(element, said.rpartition(":")[2], findings)


def _take_element(element: etree._Element, source: str, findings: Findings) -> None:
    object_type = findings.mapping.object_of(source)
    if object_type is None:
        findings.refuse("not_our_object", f"{_safe(source)} is not an object that the mapping knows")
        return
    row = {"attributes": {"type": source}, **dict(_fields(element))}
    findings.take(object_type, row, id=_own_id(row))


def _fields(element: etree._Element) -> Iterable[tuple[str, str | None]]:
    for child in element.iterchildren(etree.Element):
        if len(child) == 0:
            nil = child.get(_XSI_NIL) in {"true", "1"}
            yield child.tag.rpartition("}")[2], None if nil else child.text


# CSV -------------------------------------------------------------------------------------------


def _walk_csv(table: Csv, findings: Findings) -> None:
    """Adds the rows of a bulk query; the file does not name its object, so the ids must."""
    if {"sf__Id", "sf__Error"} & set(table.columns):
        reason = "error_answer" if "sf__Error" in table.columns else "write_result"
        findings.refuse(reason, "the results of a bulk write, not records")
    elif {"Success", "Created", "Error"} <= set(table.columns):
        findings.refuse("write_result", "the results of a bulk write, not records")
    else:
        for row in table.rows:
            _take_row({key: value or None for key, value in row.items()}, findings)


def _take_row(row: Mapping[str, str | None], findings: Findings) -> None:
    if not row.get("Id"):
        findings.refuse("missing_id", "a row without Id: select Id in the bulk query")
        return
    source = _source(row)
    object_type = findings.mapping.object_of(source) if source else None
    if object_type is None:
        findings.refuse("not_our_object", "a row of an object that the mapping does not know")
    else:
        findings.take(object_type, row, id=_own_id(row))
